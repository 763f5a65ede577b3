"""Sound as numbers: speech files, levels, and where one sound is found in another."""

import functools
import hashlib
import os
import subprocess
import threading
import wave
from pathlib import Path

import numpy as np

RATE = 48_000  # of the rig's bus; everything is compared at this rate
COARSE = 6  # correlation runs at 8 kHz: speech has its energy below 4 kHz, and it is quick

_one_at_a_time = threading.Lock()


def speech(folder, text, words_per_minute=165):
    """A WAV file of these words, made once."""
    name = hashlib.sha256(f"{words_per_minute} {text}".encode()).hexdigest()[:16]
    path = Path(folder) / f"{name}.wav"
    with _one_at_a_time:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            subprocess.run(["espeak-ng", "-v", "en-us", "-s", str(words_per_minute), "-w", str(part), "--", text], check=True)
            part.rename(path)
    return path


def read(path):
    """A WAV file as mono floats in -1..1 at RATE. Sizes are taken from the file, not from a header that may be unfinished."""
    with wave.open(str(path), "rb") as w:
        rate, channels, width = w.getframerate(), w.getnchannels(), w.getsampwidth()
        data = w.readframes(w.getnframes())
    if width != 2:
        raise ValueError(f"{path}: {8 * width} bits per sample, 16 wanted")
    samples = np.frombuffer(data, "<i2").reshape(-1, channels).mean(axis=1) / 32768
    return resample(samples, rate, RATE)


def resample(samples, rate, wanted):
    """Band-limited, by the spectrum of the whole."""
    if rate == wanted or len(samples) == 0:
        return samples
    length = round(len(samples) * wanted / rate)
    spectrum = np.fft.rfft(samples)
    bins = length // 2 + 1
    spectrum = spectrum[:bins] if bins <= len(spectrum) else np.pad(spectrum, (0, bins - len(spectrum)))
    return np.fft.irfft(spectrum, length) * (length / len(samples))


def level(samples):
    """RMS in dBFS; -120 for nothing."""
    return -120.0 if len(samples) == 0 else max(-120.0, 10 * np.log10(np.mean(np.square(samples)) + 1e-12))


def span(samples, threshold_dbfs=-50.0, block_ms=5):
    """(first, last) sample of the blocks above the threshold, or None."""
    block = RATE * block_ms // 1000
    whole = len(samples) // block * block
    power = np.mean(np.square(samples[:whole].reshape(-1, block)), axis=1) if whole else np.zeros(0)
    loud = np.flatnonzero(power > 10 ** (threshold_dbfs / 10))
    return (int(loud[0]) * block, int(loud[-1] + 1) * block) if len(loud) else None


def find(needle, hay):
    """(lag in samples of RATE, correlation -1..1) of the best place of the needle in the hay.

    The correlation is normalised by the hay's own energy under the needle, so loudness does not matter.
    """
    n, h = _coarse(needle), _coarse(hay)
    if len(n) < 80 or len(h) < len(n):
        return 0, 0.0
    n = n - n.mean()
    size = 1 << (len(h) + len(n) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(h, size) * np.conj(np.fft.rfft(n, size)), size)[: len(h) - len(n) + 1]
    sums = np.concatenate(([0.0], np.cumsum(np.square(h))))
    energy = sums[len(n):] - sums[: len(sums) - len(n)]
    norm = np.sqrt(np.maximum(energy, 1e-9) * max(np.sum(np.square(n)), 1e-9))
    scores = np.where(energy > 1e-6 * len(n), products / norm, 0.0)
    best = int(np.argmax(scores))
    return best * COARSE, float(scores[best])


def pieces(said, heard, seconds=0.4, step=0.2):
    """Lags and correlations of successive voiced pieces of what was said, each looked for near the place where it belongs.

    The first piece fixes the place; a jump of the lag afterwards means lost (smaller) or added (larger) samples.
    """
    whole_lag, _ = find(said, heard)
    size, found = int(seconds * RATE), []
    for at in range(0, len(said) - size + 1, int(step * RATE)):
        piece = said[at : at + size]
        if level(piece) < -45:
            continue
        low = max(0, at + whole_lag - RATE // 2)
        lag, score = find(piece, heard[low : at + whole_lag + size + RATE // 2])
        found.append((at, lag + low - at, score))
    return found


def _coarse(samples):
    taps = _low_pass()
    return np.convolve(samples, taps, "same")[::COARSE] if len(samples) > len(taps) else np.zeros(0)


@functools.cache
def _low_pass():
    n = np.arange(-48, 49)
    taps = np.sinc(n / COARSE * 0.9) * np.hanning(len(n))
    return taps / taps.sum()
