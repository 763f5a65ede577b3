#!/usr/bin/env python3
"""A voice client as pipecat's own examples make one: `peers_pipecat.py URL`, with the devices named by PEER_DEVICE.

Runs in an environment of its own (scripts/measure-peers makes it). The service's detector finds the turns, as pipecat
advises for the Live API; its silence is the same that our program asks for. Ends with SIGTERM.
"""
import asyncio
import os
import sys

import pyaudio
from loguru import logger
from google.genai.types import HttpOptions
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService, GeminiVADParams
from pipecat.transports.local.audio import LocalAudioTransport, LocalAudioTransportParams


def device(name):
    """The index of the device with this name, as PortAudio counts them."""
    audio = pyaudio.PyAudio()
    names = [audio.get_device_info_by_index(i)["name"] for i in range(audio.get_device_count())]
    audio.terminate()
    if name not in names:
        raise SystemExit(f"no sound device {name!r}, there are: {names}")
    return names.index(name)


async def main():
    logger.remove()
    logger.add(sys.stderr, level="WARNING")  # its default tells everything, and costs processor time
    url, silence_ms = sys.argv[1], int(sys.argv[2])
    sound = device(os.environ["PEER_DEVICE"])
    transport = LocalAudioTransport(LocalAudioTransportParams(
        audio_in_enabled=True, audio_out_enabled=True, input_device_index=sound, output_device_index=sound))
    service = GeminiLiveLLMService(
        api_key="none", http_options=HttpOptions(base_url=url.replace("ws://", "http://")),
        settings=GeminiLiveLLMService.Settings(vad=GeminiVADParams(silence_duration_ms=silence_ms)))
    # The SDK dials wss:// whatever the base URL says; a server on this computer has no certificate.
    service._client._api_client._websocket_base_url = lambda *_, **__: url
    service._client._api_client._websocket_ssl_ctx = {}
    context = LLMContextAggregatorPair(LLMContext([{"role": "user", "content": "Hello."}]))
    pipeline = Pipeline([transport.input(), context.user(), service, transport.output(), context.assistant()])
    task = PipelineTask(pipeline, params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000),
                        cancel_on_idle_timeout=False)
    await task.queue_frames([LLMRunFrame()])  # as the examples begin: only with its history sent does it listen
    await PipelineRunner(handle_sigterm=True).run(task)


if __name__ == "__main__":
    asyncio.run(main())
