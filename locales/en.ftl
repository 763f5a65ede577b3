# What the window says, in English. `docs/translating.md` tells how a language is added.

## ui/api_key_page

back = Back
your-key-for-gemini = Your key for Gemini
key = Key
hide-the-key = Hide the key
show-the-key = Show the key
paste-your-key-here = Paste your key here
save-and-connect = Save and connect
get-a-key-at-google = Get a key at Google AI Studio
the-key-was-refused = The key was refused
remove-key = Remove key

## ui/api_key_state

wants-a-key-and-there = { $host } wants a key, and there is none: { $why }
there-is-no-key-yet = There is no key yet: the demo answers.
there-is-no-key-is = There is no key: { $host } is asked without one.
is-not-used-now-the = { $named } is not used now: the demo answers.
is-not-sent-to-a = { $named } is not sent to { $host }: a key that is stored goes to Google, or to the address of the service in Settings, Key and account.
was-not-taken-by = { $named } was not taken by { $host }: { $why }
key-in-use-with-host = { $named } is in use with { $host }.
was-not-checked-yet-there = { $named } was not checked yet: there is no connection to { $host }.
sent-to-google-alone = sent to Google alone
key-sent-to-host-alone = sent to { $host } alone
not-sent-to-name-that = not sent to { $host }: make it the address of the service in Settings, Key and account, if it is to have the key
at-the-next-start-goes = {""} At the next start { $source } goes first again.
a-key-that-you-enter = A key that you enter is kept in { $file }, which only you can read, and { $to }.{ $then }
from-the-environment-variable = from the environment variable { $source }
key-from = from { $source }
key-in-place = The key { $place }
the-key-which-ends-in = The key { $place }, which ends in { $ending },
google = Google

## ui/app

it-failed-repeatedly-because-of = It failed repeatedly because of a fault in this program. The conversation goes on: you can talk and hear. Please report it.
the-window-cannot-be-drawn = The window cannot be drawn
try-again = Try again
quit = Quit
the-window = The window
sovereign-demo = Sovereign — DEMO
sovereign = Sovereign

## ui/audio_settings

auto = Auto
echo-cancellation-auto = Echo cancellation: auto
on = On
echo-cancellation-on = Echo cancellation: on
off = Off
echo-cancellation-off = Echo cancellation: off
echo-of-the-reply = Echo of the reply
hold = Hold
talk-key-hold = Talk key: hold
the-microphone-is-open-while = The microphone is open while Space is down.
tap = Tap
talk-key-tap = Talk key: tap
one-press-of-space-opens = One press of Space opens the microphone, the next closes it.
talk-key = Talk key
speech-opens-the-microphone = Speech opens the microphone
off-only-the-talk-key = Off: only the talk key opens it, and nothing is sent while it is up.
it-closes-after = It closes after
how-long-the-microphone-stays = How long the microphone stays open after the key is let go.

## ui/banners

show-less = Show less
show-one-only = Show one only
banners-more = { $more } more
begin-a-new-conversation = Begin a new conversation?
this-one-is-not-kept = This one is not kept: its words will be gone.
begin = Begin
go-on-with-this = Go on with this
retry-now = Retry now
enter-another-key = Enter another key
spend-limit-reached = Spend limit reached
opens-the-microphone-until-the = Opens the microphone until the same amount is spent once more.
go-on = Go on
no-microphone = No microphone
choose-a-microphone = Choose a microphone
answers-are-shown-as-text = { $trouble } Answers are shown as text meanwhile.
no-speaker = No speaker
choose-a-speaker = Choose a speaker
note = Note
warning = Warning
error = Error
dismiss = Dismiss
this-is-the-demo = This is the demo
say-something-and-youll-hear = Say something and you'll hear your own voice back. Nothing is sent anywhere.
connect-to-gemini = Connect to Gemini…

## ui/caption

copy = Copy
copy-the-whole-conversation = Copy the whole conversation
change-what-i-said-and-send = Change what I said and send it again
spoken-not-written-down-stopped = Spoken, not written down — stopped by you
spoken-not-written-down = Spoken, not written down
stopped-by-you = {""} — stopped by you
cut-off-asked-for-again = {""} — cut off, asked for again
not-sent = {""} — not sent
not-spoken = {""} — not spoken
what-you-said = what you said
what-assistant-said = what { $name } said
now = now
copy-whose = Copy { $whose }
puts-these-words-into-the = Puts these words into the field below, where you can change them and send them again.
change-what-i-said = Change what I said
target-ms = {""} Target: { $target } ms.
from-the-end-of-your = From the end of your turn to the first sound of the answer: { $sum }.{ $total }{ $target }

## ui/captions

say-it = Say it
latest = Latest
jump-to-the-latest = Jump to the latest
new-words-came-below-end = New words came below (End)
the-beginning-of-this-conversation = The beginning of this conversation is gone: { $count } were dropped, since it became too long to be kept in memory.
a-sample-question-is-spoken = A sample question is spoken instead. Type below, or connect one and start Sovereign again.
there-is-no-microphone = There is no microphone
as-soon-as-one-is = As soon as one is there, you can speak; meanwhile you can type. Nothing needs to be restarted.
not-connected = Not connected
your-conversation-will-appear-here = Your conversation will appear here.
the-spend-limit-is-reached = The spend limit is reached
nothing-is-heard-until-you = Nothing is heard until you choose Go on.
you-are-muted = You are muted
press-the-microphone-below-ctrl = Press the microphone below (Ctrl M) and say something, or type.
say-something = Say something
sent-as-soon-as-there = {""} — sent as soon as there is a connection
what-you-said-is-sent = What you said is sent as soon as there is a connection.
sent-again-as-soon-as = {""} — sent again as soon as there is a connection

## counts

n-characters = { $n ->
        [one] { $n } character
       *[other] { $n } characters
    }
n-settings = { $n ->
        [one] { $n } setting
       *[other] { $n } settings
    }
n-alerts = { $n ->
        [one] { $n } alert
       *[other] { $n } alerts
    }
n-days = { $n ->
        [one] { $n } day
       *[other] { $n } days
    }
n-turns = { $n ->
        [one] { $n } turn
       *[other] { $n } turns
    }
n-captions = { $n ->
        [one] { $n } caption
       *[other] { $n } captions
    }
n-found = { $n } found

## ui/check_page

check-the-sound = Check the sound
it-listens-to-the-room = It listens to the room, to you, and to a short sound from the speaker, and says what could be better. Nothing of it leaves this computer.
microphone = Microphone
speaker = Speaker
start = Start
start-without-speaking = Start without speaking
cancel = Cancel
done = Done
again = Again
could-be-better = could be better
does-not-work = does not work

## ui/connection_figures

none-yet = none yet
connections-planned = { $all } · { $planned } planned
round-trip-of-the-connection = Round trip of the connection, as the system measures it.
how-much-the-round-trips-differ = How much the round trips differ from each other: their mean deviation, as the system measures it.
how-much-of-what-was-sent = How much of what was sent in the last five minutes was lost and had to be sent again. A dash until a hundred packets were sent.
what-the-last-connection-took = What the last connection took, from the first packet until the service was ready.
connections = connections
connections-since-the-start-planned = Connections since the start. Planned are those that replace another one before the service ends it: nothing is heard of that.
share-of-answers = { $share } · { $on_target } of { $n }
within-the-target = within the target
answers-that-you-heard-no = Answers that you heard no later than the target of the profile that you used then.
available = available
the-share-of-the-time = The share of the time with a connection, while the program ran.
back-after = back after
how-long-it-took-on = How long it took on average from the loss of a connection until there was one again (mean time to recovery). A dash if none was lost.
lost-every = lost every
how-long-a-connection-lasted = How long a connection lasted on average until it was lost (mean time between failures). Planned changes are no losses. A dash if none was lost.
mean-round-trip-of-the = Mean round trip of the connection.
how-much-the-round-trips = How much the round trips differed from each other, on average.
how-much-of-what-was = How much of what was sent was lost and had to be sent again.
time-to-connect = time to connect
what-a-connection-took-on = What a connection took on average, from the first packet until the service was ready.
round-trip = round trip
over-ms-every-answer-comes = Over { $value } ms: every answer comes that much later. A VPN, a mobile or satellite line, or a distant service does this.
over-ms-the-line-is = Over { $value } ms: the line is unsteady, and answers may stutter. A weak or a busy wireless link does this.
lost-on-the-way = lost on the way
over-speech-arrives-in-fits = Over { $much_loss_percent } %: speech arrives in fits and starts. Most is lost on the radio, far from the access point, or on a line that is full.
data-a-minute = data a minute
bytes-to-and-from-the = Bytes to and from the service for each minute with a connection. A profile such as low-data keeps them few.

## ui/conversations_list

without-words = Without words
typical-reply-after-ms = typical reply after { $response } ms

## ui/conversations_page

search-conversations = Search conversations
conversations = Conversations
to-the-conversation-from-conversations = To the conversation (Esc, Ctrl H)
the-newest-are-shown-type = The newest { $most_found } are shown. Type more to find others.
the-service-will-know-nothing = The service will know nothing of the present one (Ctrl N)
new-conversation = New conversation
nothing-new-is-kept-keep = Nothing new is kept (Settings, Privacy)
kept-until-you-delete-it = Kept until you delete it, on this computer only
kept-for-on-this-computer = Kept for { $time }, on this computer only
search-what-was-said = Search what was said
today = Today
n-7-days = 7 days
the-last-7-days = The last 7 days
all = All
all-days = All days
all-profiles = All profiles
profile = Profile
with-problems = With problems
only-conversations-in-which-an = Only conversations in which an answer failed
no-conversation-holds-all-these = No conversation holds all these words. Try fewer, or the beginning of a word.
there-is-no-such-conversation = There is no such conversation.
nothing-found = Nothing found
nothing-is-kept = Nothing is kept
write-keep-30d-into-config = Choose in Settings, Privacy, for how long conversations are kept: what is said from then on will be found here.
no-conversation-yet = No conversation yet
what-you-and-the-assistant = What you and the assistant say will be found here.
show-all = Show all
delete-all-conversations-for-good = Delete all conversations for good? The present one ends. Alerts, logs, settings and the key stay.
keep-them = Keep them
n-1-conversation-found = 1 conversation found
conversations-found = { $n } conversations found
n-1-conversation = 1 conversation
conversations-counted = { $n } conversations
delete-all = Delete all

## ui/conversations_state

yesterday = Yesterday
not-answered = {""} — not answered
broken-off = {""} — broken off
you = You
assistant = Assistant

## ui/copy_button

versions-devices-and-figures-as = Versions, devices and figures as text, without what was said and without the key
copy-report = Copy report
copied = Copied

## ui/details_page

to-the-conversation-esc-ctrl-d = To the conversation (Esc, Ctrl D)
problems-and-fixes = Problems and fixes
the-newest-turns = The newest turns
connection = Connection
history = History
alerts-of-the-last-7 = Alerts of the last 7 days
profiles-and-models = Profiles and models
now-heading = Now
writes-the-turns-of-this = Writes the turns of this conversation and the last seven days as tables (CSV) into the program's folder
export-csv = Export CSV
about-ms = {""} · about { $costs } ms
turns-that-got-their-answer = Turns that got their answer, without those that you ended yourself; { $whose } since the start or the last reset.
captured-sound-that-waits-to = Captured sound that waits to be looked at, messages that wait for the line, and reply audio that waits for its time.
the-rate-of-the-newest = The rate of the newest ten turns.
tool-calls = tool calls
functions-that-the-service-asked = Functions that the service asked for.
tokens-cost = tokens · cost
turns-of-this-profile-with = Turns of this profile with this model since the start: how many, the median response, and what they cost together. A reset leaves them as they are.
cpu = CPU
percent-of-one-core-over = Percent of one core over the last second.
threads-of-this-program-and = Threads of this program, and whether they become more without ending (found as for memory).
resident-memory-of-this-program = Resident memory of this program, and whether it grows without coming back (found by its slope over 45 minutes; a dash before so much is known).
this-computer = this computer
load-of-all-processors-and = Load of all processors, and memory in use.
battery = battery
how-full-it-is-on = How full it is. On battery the processor may be slower.
details = Details
details-1-alert = Details · 1 alert
details-with-alerts = Details · { $n } alerts

## ui/explain

capture = capture
the-microphone-and-its-buffers = The microphone and its buffers: from the air to this program.
dsp = sound processing
filters-change-of-the-sample = Filters: change of the sample rate, echo, noise, gain.
endpoint = end of your speech
silence-until-it-was-decided = Silence until it was decided that you had finished. The profile's patience sets it.
encode-and-queue = packing and sending
from-that-decision-to-the = From that decision to the last byte on its way to the service.
network = network
the-way-to-the-service = The way to the service and back: one round trip, as the system measures it.
service = service
the-service-itself-from-your = The service itself: from your last byte to the first sound of its answer, without the way.
decode = unpacking
from-the-first-sound-that = From the first sound that arrived to samples.
held = held
the-answer-was-there-before = The answer was there before patience was over, and waited.
buffer = waiting for more
the-answer-waited-for-more = The answer waited for more of itself, so that it does not stutter.
device = device
the-speaker-and-its-buffers = The speaker and its buffers: from this program to your ear.
no-problems-found = No problems found.
a-cause-is-looked-for = a cause is looked for from the third turn on.
the-newest-turns-show-no = the newest turns show no cause.
the-typical-response-is-ms = The typical response is { $typical } ms, over { $target }: { $found }
and = {""} and {""}
the-part-of-a-turn = The part of a turn that the cause sits in, and about how much later you hear an answer because of it: from the medians of your last ten turns with this profile, and the round trip as it is now.
the-part-that-the-cause = The part that the cause sits in. What it costs a turn cannot be told in milliseconds.
counted-and-thought = { $counted }, thought { $thoughts }
model-and-tokens = { $model } · { $counted } tokens
and-thought = , thought { $thoughts }
spent-of-allowed = { $spent } of { $allowed }
spent-conversation = spent, conversation
spent-since-the-start-of = Spent since the start of the program, and the limit, which is in Settings, Key and account. At the limit the microphone closes.
spent-today = spent, today
spent-today-with-all-programs = Spent today with all programs of this user, and the limit, which is in Settings, Key and account. At the limit the microphone closes.
tokens-that-the-service-counted-and-their-cost = Tokens that the service counted, and their cost by the price in Settings, Key and account, since it is set. The bill is the service's.
tokens-that-the-service-counted-and-their = Tokens that the service counted, and their cost by the published price of this model for each kind of token. Thoughts, and what is counted without its kind, are taken at the dearest price: then the cost is an upper bound, "at most". Settings, Key and account, can set another price. The bill is the service's.
tokens-that-the-service-counted-and = Tokens that the service counted, and their cost where a price is known. The demo bills nothing.
tokens-that-the-service-counted-what = Tokens that the service counted. What they cost is not known: no price is published for this model. Set it in Settings, Key and account.
tokens-that-the-service-counted = Tokens that the service counted. What they cost is not known: this service is not Google's. Set the price in Settings, Key and account.
with-the-profiles-that-chooses = with the profiles that { $label } chooses among
with-this-profile = with this profile
part-of-all = { $part } of { $all } · { $percent } %
rate-a-minute = { $rate } a minute
ms-in-out-ms-reply = { $capture_queued } ms in · { $outbox } out · { $reply_queued } ms reply
grows-by-mb-an-hour = grows by { $amount } MB an hour
grows-by-an-hour = grows by { $growth } an hour
steady = steady
load-and-memory = { $from } · memory { $memory_percent }
in-use = in use
charging-or-full = charging or full
responses-of-the-last-turns = Responses of the last { $name }: { $response } turns, half within { $value }, 95 of 100 within { $p95 }
slower = slower
faster = faster
the-service = the service
the-network = the network
today-than-yesterday = Today { $percent } % { $how } than yesterday: { $cause }.

## ui/find

not-found = Not found
found-at-of = { $at } of { $n }

## ui/find_bar

find-in-this-conversation = Find in this conversation
close-the-search-esc = Close the search (Esc)
next-shift-enter = Next (Shift Enter)
previous-enter = Previous (Enter)

## ui/footer

more-about-the-conversation = More about the conversation
nothing-is-kept-lower = nothing is kept
when-this-conversation-ends-its = When this conversation ends, its words are gone, as Settings, Privacy, says.
narrowband = narrowband
a-hands-free-microphone-over = A hands-free microphone over Bluetooth gives half of the voice's band at best. You are understood better with a wired microphone, or with that of this computer.
whether-an-answer-stops-when = Whether an answer stops when you speak while it is played, and why. Esc and Space stop it always; "Interrupt by speaking" in the Profile settings decides it by hand.
microphone-released = microphone released
no-microphone-lower = no microphone

## ui/format

d-h = { $hours } d { $rest } h
under-db = under −{ $value } dB
checking-the-sound = Checking the sound
connecting-in = Connecting in { $seconds } s
press-space-to-talk = Press Space to talk
listening = Listening
hearing-you = Hearing you
finishing = Finishing…
recording = Recording…
thinking = Thinking
listening-go-on-to-interrupt = Listening: go on to interrupt
answering = Answering
repeating = Repeating
muted = Muted
reconnecting-in = Reconnecting in { $seconds } s
reconnecting-now = Reconnecting
offline = Offline
connecting-now = Connecting
press-enter-to-send-or = Press Enter to send, or Esc and then Space to speak
hold-space-and-speak = Hold Space and speak
press-space-then-speak = Press Space, then speak
speak-whenever-you-like = Speak whenever you like
im-listening = I'm listening
the-microphone-closes-in-a = The microphone closes in a moment
speak-and-press-space-when = Speak, and press Space when you are done
speak-and-press-again-when = Speak, then press the key once more
speak-and-let-go-when = Speak, and let go when you are done
the-answer-is-on-its = The answer is on its way
go-on-to-interrupt = Go on to interrupt
the-last-answer-again-press = The last answer again. Press Esc to stop it
speak-to-interrupt-or-press = Speak to interrupt, or press Esc
press-esc-to-stop-the = Press Esc to stop the reply
nothing-is-heard-until-you-choose = Nothing is heard until you choose Go on
reconnecting = Reconnecting…
no-microphone-plug-one-in-and = No microphone: plug one in, and start again
no-microphone-plug-one-in = No microphone: plug one in, or choose one under Sound
the-demo = the demo
the-local-server = the local server
your-server = your server
gemini = Gemini
hold-to-talk-lower = hold to talk
hold-to-talk = Hold to talk
tap-to-talk-lower = tap to talk
tap-to-talk = Tap to talk
tap-to-end-lower = tap to end
tap-to-end = Tap to end
your-conversation-will-appear-here-just = Your conversation will appear here. Just speak, or hold Space to talk, press / to type and Esc to stop a reply.
your-conversation-will-appear-here-tap = Your conversation will appear here. Tap Space to talk and again to end; press / to type and Esc to stop a reply.
closed-early-at = closed at { $silence }
not-closed-early = not closed early
early-close-off-nothing-to = early close off: nothing to gain
early-close-off-your-pauses = early close off: your pauses last as long
early-close-off-eager-waste = early close off: eager_waste_percent is below 9
early-close-off-it-did = early close off: it did not pay in the last 20 turns
patience-and-close = patience { $patience }, { $close }
patience-that-follows = patience { $patience } (set: { $set } ms; it follows your pauses), { $close }
patience-follows-your-pauses = Patience is the silence that ends your turn. { $set } ms are set; it has learnt from your pauses and is { $now } ms now: at least half of what is set, at most twice as much. "Follow my pauses" in the profile settings switches that off. {""}
in-few-tokens = {""} ({ $few } tokens)
in-thousands-of-tokens = {""} ({ $amount } k tokens)
closed-too-early = {""} · { $vain } closed too early{ $tokens }
now-it-is-off-the-profile = Now it is off: the profile says so, or the service finds the ends of turns itself. {""}
now-it-is-off-the = Now it is off: the service answers so soon that nothing would be gained. {""}
now-it-is-off-you = Now it is off: you often go on after pauses as long as patience. It comes back by itself when you pause less. {""}
now-it-is-off-eager = Now it is off: `eager_waste_percent` is below 9, which does not pay for one dropped answer in 20 turns. {""}
now-it-is-off-in = Now it is off: in the last 20 turns, dropped answers have used all the tokens that the profile allows. It comes back by itself after some turns. {""}
a-turn-is-closed-towards = A turn is closed towards the service early, and its answer held until your silence has lasted as long as patience. If you go on, the answer is dropped unheard: closed too early. { $now }In the profile's file, under `turn:`, `eager_waste_percent` limits what that may cost, and `eager_endpoint: off` switches it off.
be-quiet = Be quiet
measuring-background-noise = Measuring background noise…
say-a-sentence = Say a sentence
speak-as-you-would-to = Speak as you would to the assistant.
a-sound-from-the-speaker = A sound from the speaker
the-microphone-listens-for-it = The microphone listens for it. Be quiet again.
something-does-not-work = Something does not work
works-with-room-to-improve = Works, with room to improve
everything-works = Everything works
connecting = connecting
connecting-attempt = connecting, attempt { $attempt }
connected = connected
connected-minutes = connected { $minutes } min
connected-hours = connected { $minutes } h { $rest } min
not-connected-lower = not connected
nothing-leaves-this-computer = nothing leaves this computer
muted-no-audio-leaves-this = muted: no audio leaves this computer
spend-limit-reached-no-audio = spend limit reached: no audio leaves this computer
not-connected-no-audio-leaves = no audio leaves this computer
no-microphone-no-audio-leaves = no microphone: no audio leaves this computer
audio-leaves-this-computer-only = audio leaves this computer only for the talk key
audio-leaves-this-computer-while = audio leaves this computer while you speak
service-and-internet = service and internet
waiting-for-you-to-finish = waiting for you to finish
your-whole-wait = your whole wait
what-you-felt-from-your = What you felt: from your last word to the first sound of the answer. It is the silence by which the program knows that you have finished, and the reply time.
with-that-silence-you-waited = {" "}With it you waited { $total } ms.
no-reply-yet = no reply yet
sum-is-reply-time = { $parts } = reply time { $response }
more-characters-left = {""} … ({ $rest } more characters)
without-a-name = (without a name)

## ui/header

profile-is = Profile: { $name }
saving-power = saving power
on-battery-longer-periods-of = On battery: longer periods of the sound devices, no noise suppression and gain control, fewer pictures of this window. The profile's file switches it off.
auto-uses = Auto uses { $why }
auto-uses-changes-of-profile =
    Auto uses { $why }

    Changes of profile since Auto was chosen: { $changes }. A profile is left for another where, by the last turns, that brings responses nearer to what is wanted by more than the quality is worth; a busy processor or full memory comes first.
demo = DEMO
demo-offline = DEMO, offline
a-server-inside-this-program = A server inside this program answers with your own voice. Nothing leaves this computer.
settings-ctrl = Settings (Ctrl ,)
conversations-ctrl-h = Conversations (Ctrl H)
a-small-window-ctrl-t = A small window in front of others (Ctrl T)
the-whole-window-ctrl-t = The whole window (Ctrl T)
sound = Sound
target-of-the-response-ms =
    { $description }
    Target of the response: { $target } ms.{ $profile }

## ui/history

the-last-in-columns = The last { $name }, in { $columns } columns.
the-typical-response-of-today = The typical response of today and of yesterday, and what made most of the difference: the service itself, the way to it, or this computer. It is said from ten turns a day on, where the difference is more than 10 %.
median-and-up-to-p95 = typical reply time, and up to that of 95 in 100
scale-to-seconds = scale { $most } s
a-column-without-turns-is = { $words }. A column without turns is empty; the dashed line is the target.
throughput-of-the-last-sent = Data of the last { $name }: { $bytes_sent } sent, { $bytes_received } received
scale-to-a-minute = scale { $most } a minute
throughput-sent-and-on-top = data: sent, and on top of it received
no-connection-was-lost = no connection was lost
a-connection-was-lost = a connection was lost
connections-were-lost = { $n } connections were lost
no-turn = no turn
errors-of-the-last-without = Errors of the last { $name }: { $unanswered } without an answer, { $lost }
scale-to = scale { $most }
errors-without-an-answer-a = errors: without an answer; a cross: connection lost
histogram-of-responses-median-p95 = How long { $all } replies took: half no longer than { $median }, 95 of 100 no longer than { $p95 }, { $slower } longer than a second
sample-size = { $all } replies
n-20-ms-a-bin-up = how many replies took how long, up to 1 s
the-lines-are-median-and = { $name }. The lines are at half and at 95 of 100; what is slower than a second is in the last column.
p50-p95-n = half within { $median } · 95 of 100 within { $p95 }{ $p99 } · { $n } replies
n-99-within = {""} · 99 of 100 within { $p99 }
half-95-of-100-and = Half, 95 of 100, and from a hundred turns on 99 of 100 responses were no slower. The history keeps three digits of each: it may tell a millisecond more than the panel.
turns-that-got-their-answer-without = Turns that got their answer, without those that you ended yourself.
answers-that-you-interrupted = Answers that you interrupted.
turns-that-you-went-on = Turns that you went on in within a second: patience was too short.
times-that-an-answer-ran = Times that an answer ran dry before its end.
tokens-that-the-service-counted-and-the = Tokens that the service counted, and the cost of those whose price was known then; "at most" where it is an upper bound. The bill is the service's.
mean-processor-time-of-this = Mean processor time of this program.
memory-at-most = memory, at most
largest-resident-memory-of-this = Largest resident memory of this program.
threads-at-most = threads, at most
most-threads-of-this-program = Most threads of this program at a time.
sent-received = sent · received
bytes-to-and-from-the-service = Bytes to and from the service.
cut-offs = cut-offs

## ui/latency_panel

reply-time = Reply time
from-the-end-of-your-turn = From the end of your turn (your last word and the silence that ends the turn) to the first sound of the answer. That silence is not in it: your whole wait is shown apart.
ms = ms
typical-of = typical { $p50 }
half-of-the-replies-were = Half of the replies were no slower, in milliseconds.
slowest-percent-5 = slowest 5 % { $p95 }
n-95-of-100-replies-were = 95 of 100 replies were no slower, in milliseconds.
slowest-percent-1 = slowest 1 % { $p99 }
n-99-of-100-replies-were = 99 of 100 replies were no slower, in milliseconds (p99).
n-1-reply = 1 reply
replies-counted = { $n } replies
turns-with-a-reply-that = Turns with a reply that was heard, { $whose } since the start or the last reset.
from-the-decision-that-you = From the decision that you have finished to the last byte on its way.
from-there-to-the-first-sound = From there to the first sound of the answer that arrived here.
from-there-to-the-first = From there to the first sample that left the speaker.
silence-after-your-last-word = Silence after your last word until it was clear that you had finished. Not in the reply time; the profile sets it.
of-cores = {""} of { $n }
percent-of-one-core-over-the = Percent of one core{ $cores } over the last second; below it the last minute.
memory = Memory
resident-memory-of-this-program-shared = Resident memory of this program, shared libraries included; below it the last minute.
cut-off-of-spoken = { $cut_off } of { $spoken }
tokens = tokens
bytes-sent-to-the-service = Bytes sent to the service{ $where } since the start, and the tokens that it counted { $whose }.
which-is-on-this-computer = , which is on this computer,
sound-lost-here = sound lost here
samples-of-the-microphone-that = Samples of the microphone that were lost because this computer was busy.
interrupted-you = interrupted you
turns-that-were-ended-although = Turns that were ended although you went on within a second: the silence that ends a turn was too short.
you-interrupted = you interrupted
gaps-in-sound = gaps in sound
times-that-the-sound-of = Times that the sound of an answer did not arrive in time.
sent-on-this-computer = sent, on this computer
sent = sent
likely-causes-turns-stage-by = Likely causes, turns stage by stage, hours and days (Ctrl D)
reset = Reset
reset-statistics-ctrl-r = Reset statistics (Ctrl R)
more = More
parts-and-counts-f12 = Parts and counts (F12)
close-the-panel = Close the panel
reset-to-zero = Reset

## ui/opened_conversation

to-the-list-esc = To the list (Esc)
time-to-day-and-time = { $begun } to { $date }, { $to }
time-to-time = { $begun } to { $to }
delete-this-conversation-for-good-it = Delete this conversation for good? It is the present one, and ends.
delete-this-conversation-for-good = Delete this conversation for good?
keep-it = Keep it
back-to-this-conversation = Back to this conversation
continue-this-conversation = Continue this conversation
the-words-of-both-sides = The words of both sides as text
delete = Delete
text-markdown = Text (Markdown)
data-json = Data (JSON)
sound-wav = Sound (WAV)
export = Export…
writes-it-as-a-file = Writes it as a file into your documents
no-words-of-this-conversation = No words of this conversation are kept.

## ui/overlay

reply-times-appear-here = Reply times appear here
reply-time-spoken = Reply time { $figure }, { $words }
spoken-cpu-memory = { $spoken }. CPU { $cpu_percent }, memory { $rss }
the-reply-time-is-the = { $explanation }The reply time is the wait from the end of your turn to the first sound of the answer. The silence after your last word, by which the program knows that you have finished, is not in it.{ $total } Press for its parts and trend (F12).
spoken-show-it = { $spoken }: show it
shows-the-reply-time-and = Shows the reply time and its verdict (F12)

## ui/past_alerts

there-was-none = There was none.
show-the-newest-only = Show the newest only
show-all-of = Show all { $alerts }
how-bad-it-was-at = How bad it was at its worst (critical: over its limit by more than half), when it began, and how long it lasted.
lasted-for = for { $lasted }
not-over-yet = not over yet
its-end-is-not-known = its end is not known
severity-warning = warning
severity-critical = critical

## ui/plots

nothing-yet = nothing yet
responses-of-the-last-turns-target = Responses of the last { $responses } turns, target { $target_ms } ms
no-turns-yet = no turns yet
last-turn = last turn
last-turns-counted = last { $n } turns
target-of-ms = target { $target_ms }
the-scale-ends-at-one = { $words }. The scale ends at one and a half times the target.

## ui/profile_editor

profile-in-use = Profile in use: { $label }
it-is-as-it-was = It is as it was shipped. What you change here is kept in a file of your own, which holds only that.
shipped-with-the-program-changed = Shipped with the program; { $settings } changed by you.
your-own-it-starts-from = Your own. It starts from { $base }; { $settings } differ from it.
a-profile-of-your-own = A profile of your own that begins as this one is
duplicate = Duplicate
show-all-settings = Show all settings
shows-those-too-that-are = Shows those too that are as shipped
compare-with-the-shipped-one = Compare with the shipped one
shows-only-what-differs-from = Shows only what differs from the shipped profile
reset-to-shipped = Reset to shipped
nothing-differs-from-the-shipped = Nothing differs from the shipped profile.
take-all-your-changes-to = Take all your changes to { $label } back, for good?
reset-it = Reset it
delete-the-profile-for-good = Delete the profile { $label } for good? { $profile } is used then.
delete-it = Delete it
name-of-the-copy = Name of the copy
make-the-copy = Make the copy

## ui/remedy_button

not-now-because = Not now: { $hindrance }.
change-row = Change: { $row }
leads-to-this-setting = Leads to this setting
use-profile = Use { $label }
connects-at-the-next-pause = Connects at the next pause
connect-anew = Connect anew
echo-automatic = Echo: automatic
ask-again = Ask again
send-now = Send now
use-model = Use { $model }
changes-to-this-profile-sound = Changes to this profile: sound follows at once, what the service is asked for at the next pause.
opens-another-connection-at-the = Opens another connection at the next pause; the conversation goes on in it.
leads-to-the-check-of = Leads to the check of microphone, speaker and echo. It begins when you say so there.
takes-replies-out-of-what = Takes replies out of what the microphone hears only where it hears them.
sends-what-you-said-last = Sends what you said last once more.
sends-what-you-said-and = Sends what you said, and plays the answer.
writes-this-model-into-the = Writes this model into the file of the profile, and nothing else there; it is used from the next pause on.
the-spend-limit-is-reached-lower = the spend limit is reached
what-you-said-is-not = what you said is not kept any more, or something else goes on
another-connection-is-opened-as = another connection is opened as soon as nobody speaks and no answer is awaited
a-connection-is-being-opened = a connection is being opened
there-is-no-connection-and = there is no connection, and another one is tried by itself
there-is-no-connection-retry = there is no connection; "Retry now" at the conversation tries another one

## ui/setting_control

the-services-choice = The service's choice
hidden = Hidden
reply-time-processor-memory = Reply time, processor, memory
everything = Everything
the-systems-choice-plain = The system's choice
the-systems-choice = The system's choice ({ $device })
keep-nothing = Keep nothing
until-i-delete-them = Until I delete them
as-the-profile-says-plain = As the profile says
as-the-profile-says = As the profile says ({ $value })
this-is-no-value = This is no { $what }: { $allowed }.
whole-number = whole number
number = number
or-none = , or { $none }
range-from-to = { $from } to { $to }{ $blank }{ $unit }{ $none }
webrtc = WebRTC

## ui/setting_row

profile-has-value =
    { $value } has { $usual }. { $why }

    {""}
named-in-files = { $why }In files: { $key }
one-is-set-and-not = One is set and not shown: type another one here
several-with-commas-between-them = Several with commas between them
none = none
nothing-is-set = Nothing is set
applies-when = applies { $words }
shipped-value = shipped: { $usual }
reset-row = Reset: { $title }
as-shipped = As shipped
origin-file = From { $name }
chosen-now-not-in-the = Chosen now, not in the file yet
it-was-named-on-the = It was named on the command line, which goes before the file, or is in use although the file says something else.
given-at-the-start = Given at the start

## ui/settings_page

search-settings = Search settings
settings = Settings
to-the-conversation-from-settings = To the conversation (Esc, Ctrl ,)
search-a-word-of-the = Search: any word, such as louder, cost, text size
nothing-is-called-so-try = Nothing is called so. Try another word.
nothing-is-called-so-nearest = Nothing is called so. Do you mean this?
go-there = Go there
go-to = Go to: { $title }
sections = Sections

## ui/settings_sections

set-up-again = Set up again
is-it-good = Is it good?
echo-cancellation = Echo cancellation: { $why }
the-check-listens-to-the = The check listens to the room, to you, and to a short sound from the speaker, and says what could be better.
what-leaves-this-computer = What leaves this computer
nothing-the-demo-answers-inside = Nothing. The demo answers inside this program.
nothing-what-answers-runs-on = Nothing. What answers runs on this computer.
what-you-say-while-you = What you say while you speak, what you type, the instruction of the profile, your language and the time go to { $place }. While you are silent, nothing is sent, unless the service notices the end of your turn (Talking).
alerts-which-hold-figures-and = Alerts, which hold figures and no words, go to the address in Diagnostics.
what-is-kept-stays-on = What is kept stays on this computer: the words of conversations as long as you choose below, their sound only if you choose so. Your key is in the system's keyring or a file that only you can read.
delete-what-is-kept = Delete what is kept
all-kept-conversations-with-their = All kept conversations, with their sound. Alerts, logs, settings and the key stay. Single ones: Ctrl H.
delete-all-conversations = Delete all conversations
remove-everything = Remove everything
remove-everything-ask = Remove everything…
everything-that-this-program-keeps = Everything that this program keeps on this computer: conversations, alerts, logs, settings and key.
these-go-for-good = These go for good: all conversations with their sound, alerts and reply times, logs, the settings, your own profiles, and the key in its file. The window closes then. They are here:
the-key-in-stays = The key stays in { $place }: remove it there.
what-you-exported-stays = What you exported to other folders stays.
remove-everything-and-close = Remove everything and close
keep-everything = Keep everything
files-and-folders = Files and folders
a-voice-assistant-for-gemini = A voice assistant for Gemini Live that shows why it is fast or slow.
licence-and-typeface = Licence: { $licence }. The typeface is Inter, under the SIL Open Font License.

## ui/settings_state

general = General
talking = Talking
key-and-account = Key and account
appearance = Appearance
privacy = Privacy
about = About
profile-group = Profile: { $group }
microphone-and-speaker = Microphone and speaker
detecting-speech = Detecting speech
taking-turns = Taking turns
detection-by-the-service = Detection by the service
what-the-service-is-asked = What the service is asked for
choosing-among-profiles = Choosing among profiles
alerts = Alerts
the-profile = The profile
profile-settings = Profile settings

## ui/sound

sound-system-is = Sound system: { $host }
none-is-there-to-be = None is there to be chosen.
default = Default
default-device = Default ({ $device })
the-chosen-device-is-not = The chosen device is not there; it is used again when it comes back.
volume = Volume

## ui/sources

sources = Sources
searches = Searches

## ui/speech

voice = Voice
the-demo-has-one-voice = The demo has one voice, whatever you choose. Your choice counts once a key is set.
as-the-profile-says-voice = As the profile says ({ $voice })
as-the-profile-says-languages = As the profile says ({ $codes })
as-the-profile-says-system = As the profile says ({ $languages })
as-the-system = As the system
as-the-system-languages = As the system ({ $languages })
whatever-i-speak = Whatever I speak
you-speak = You speak

## ui/system_fonts

this-text-needs-a-font = This text needs a font that is not installed ({ $name }). Install one such as { $font } (on Debian and Ubuntu: { $package }), and start this program again.
script-japanese = Japanese
script-korean = Korean
script-chinese = Chinese
script-arabic = Arabic
script-hebrew = Hebrew
script-devanagari = Hindi and other Devanagari
script-bengali = Bengali
script-tamil = Tamil
script-thai = Thai
script-georgian = Georgian
script-armenian = Armenian
script-emoji = pictures in text

## ui/talk

space-writes-a-blank-in = Space writes a blank in the field: press Esc first, or press here.
talk-button = { $name } (Space: { $does })
unmute = Unmute
you-are-muted-nothing-is = You are muted: nothing is heard or sent. Press to be heard again (Ctrl M).
mute = Mute
nothing-is-heard-or-sent = Nothing is heard or sent until you press it again (Ctrl M)
stop-the-reply = Stop the reply
stops-the-reply-esc = Stops the reply (Esc)
begins-a-new-conversation-ctrl = Begins a new conversation (Ctrl N)
there-is-no-answer-yet = there is no answer yet
hear-the-last-answer-again = Hear the last answer again
plays-the-last-answer-again-ctrl = Plays the last answer again (Ctrl L)
plays-the-last-answer-again = Plays the last answer again. Not now: { $hindrance }.
level-of-the-microphone-in = Level of the microphone, in decibels below full scale.
you-are-muted-press-the = You are muted. Press the microphone.
find-words = Find words in this conversation
find-words-ctrl-f = Finds words in this conversation (Ctrl F)

## ui/text_block

a-right-click-copies-this = A right click copies this.

## ui/typed_field

message = Message
too-many-at-most-can = { $over } too many: at most { $most_characters } can be sent at once. Shorten the text, or send it in parts.
type-instead-of-talking-press = Type instead of talking: press /
send = Send

## ui/verdict

on-target = on target
usual-for-service = usual for { $name }
service-took = { $name } took { $took }
held-for-you = held for you { $held }
this-computer-took = this computer took { $took }
your-network-took = your network took { $took }
unusually-slow-usual-is = unusually slow: usual is { $usual }
the-reply-came-in-time = The reply came in time.
usual-for-today-ms-yours = Usual for { $name } today: { $server } ms, yours adds { $ours }. Nothing is wrong here.
and-the-way-to-it = { $name } and the way to it took most of the time. After { $least_for_usual } replies it is said whether that is usual.
the-answer-was-ready-and = The answer was ready, and was held until your silence had lasted long enough.
this-computer-is-why-details = This computer is why: Details names the cause and what helps.
the-way-to-the-service-is = The way to the service is why: another network, or a cable, may help.
much-longer-than-the-last = Much longer than the last replies. If it stays so, Details names what is known; { $name } may be busy.
target-of-this-profile-ms = { $means } Target of this profile: { $target } ms.

## ui/waterfall

no-turn-was-closed-yet = No turn was closed yet. Each will be shown here, stage by stage.
turn-spoken = Turn { $number }, { $outcome }, { $profile }, response { $value }
turn-and-outcome = turn { $number } · { $outcome }
the-line-is-the-target = the line is the target that the turn had
beyond-the-right-edge-is = beyond the right edge is the target that the turn had
from-the-end-of-your-speech = from the end of your speech; { $line }, { $target } ms after its end
outcome-completed = completed
outcome-interrupted = interrupted
outcome-cancelled = cancelled
outcome-empty = empty
outcome-failed = failed

## ui/welcome_page

welcome = Welcome
connect-to-gemini-title = Connect to Gemini
try-it = Try it
step-nth = Step { $nth } of 5: { $step }
step-is-done = { $step }: done
step-is-skipped = { $step }: skipped
talk-with-gemini = Talk with Gemini
sovereign-lets-you-talk-with = Sovereign lets you talk with Google's assistant as with a person: speak, hear the answer, interrupt it. It shows how long each answer took, and why.
microphone-speaker-and-key-can = Microphone, speaker and key can be set up again here. Your conversations and settings stay.
nothing-leaves-this-computer-until = Nothing leaves this computer until you enter a key. Until then a demo inside this program answers: it greets you now, and repeats what you say.
hear-it = Hear it
say-a-sentence-then-stop = Say a sentence, then stop: you hear it back as the microphone heard it. { $privacy }.
say-a-sentence-and-see = Say a sentence, and see whether the bar moves. { $privacy }.
you-are-muted-nothing-is-heard = You are muted: nothing is heard.
we-hear-you = We hear you
nothing-moves-look-for-a = Nothing moves? Look for a mute switch on the microphone or its cable, choose another one above, and see whether the privacy settings of your system let this program hear it.
can-you-hear-it = Can you hear it?
play-a-sound-the-last = Play a sound: the last answer is heard again.
play-a-sound = Play a sound
turn-up-the-volume-here = Turn up the volume here, in your system and on the speaker itself. Choose another speaker above: a screen or an unplugged headset may be chosen now. Then play the sound again, or have the program listen for it.
google-may-charge-the-account = Google may charge the account of your key for each answer; this window shows how much, and Settings can limit it. Google receives what you say while you speak and what you type, in order to answer.
prices = Prices
googles-terms = Google's terms
say-good-morning-can-you = Say: “Good morning, can you hear me?”
press-space-to-talk-sentence = Press Space to talk.
just-speak-or-hold-space = Just speak, or hold Space while you do.
just-speak-or-press-space = Just speak, or press Space before and after.
to-interrupt-an-answer-speak = { $key } To interrupt an answer, speak while it plays, or press Esc. To write instead, press / in the conversation.
set-up = Set up
i-heard-it = I heard it
next = Next
i-heard-nothing = I heard nothing
skip = Skip
skip-all = Skip all
skip-all-use-without-a = Skip all, use without a key
to-the-conversation-settings-general = To the conversation. Settings, General, leads back here.

## ui/widgets

more-figures-come-with-more = More figures come with more replies.

## conversation/actor

no-speech-was-found-in = { $name }: no speech was found in it
ended-unexpectedly = { $what } ended unexpectedly
the-sound-thread = the sound thread
the-connection-task = the connection task

## conversation/ask_again

the-answer-failed = The answer failed
no-spoken-answer = No spoken answer
the-answer-stopped-before-its = The answer stopped before its end
no-answer-after = No answer after
not-answered-yet = Not answered yet
s-still-waiting = { $late } { $seconds } s. Still waiting.
it-is-asked-for-again = { $what } It is asked for again.
what-you-said-is-kept = { $unsent }: { $why }. What you said is kept. Send it now?
ask-again-or-say-it = { $what } Ask again, or say it in other words.
ask-again-or-send-it = { $what } Ask again, or send it in other words.
please-say-it-again = { $what } Please say it again.
please-send-it-again = { $what } Please send it again.
say-it-aloud = Say it aloud.

## conversation/link_words

connecting-to = Connecting to { $place }
connecting-to-again = Connecting to { $place } again
cannot-connect-to-yet = Cannot connect to { $place } yet
cannot-connect-to = Cannot connect to { $place }
connection-to-lost = Connection to { $place } lost
not-connected-to = Not connected to { $place }

## conversation/new_session

the-service-started-over = The service started over.
the-service-rejected-two-answers = The service rejected two answers in a row, so a new session was begun.
the-earlier-conversation-goes-on = The earlier conversation goes on.
the-service-had-forgotten-what = The service had forgotten what was said, so a new session was begun.
it-does-not-remember-what = It does not remember what was said before.
it-was-told-what-you = It was told what you said; its own answers were not written down, so it does not know them.
it-was-told-all-that = It was told all that was said, so you can go on.
it-was-told-how-the = It was told how the conversation began, its last turns and a summary of the rest, so you can go on.

## conversation/on_command

the-new-voice-or-language = The new voice or language applies from the next pause.
this-choice-could-not-be = This choice could not be saved and is lost when the program ends
another-key-is-in-and = Another key is in { $place }, and is used now. To use none, remove it there too.
the-earlier-settings-stay-in = { $fault } The earlier settings stay in use.
the-configuration-is-correct-again = The configuration is correct again and in use.
was-not-changed = `{ $key }` was not changed. { $problem }
in-the-configuration-applies-from = `{ $key }:` in the configuration applies from the next start.

## conversation/on_provider

the-connection-to-the-service = The connection to the service
the-network-does-not-answer = The network does not answer. Go on: what you say is kept, and sent when it is back.
this-model-cannot-be-told = This model cannot be told languages and names in its settings. They were added to its instruction; there is nothing to do.

## conversation/on_voice

a-reply-that-sounded-may = A reply that sounded may have been cut short.
a-steady-sound-was-taken = A steady sound was taken for speech. It is ignored now; move the microphone away from it.
the-sound = The sound
the-microphone-gives-no-sound = The microphone gives no sound at all
look-for-a-mute-switch = { $what }. If you have spoken, look for a mute switch on it, and in the sound settings of the system.
muted-esc-stops-a-reply = muted: Esc stops a reply
spend-limit-reached-esc-stops = spend limit reached: Esc stops a reply
no-microphone-esc-stops-a = no microphone: Esc stops a reply
the-talk-key-interrupts-speech = the talk key interrupts, speech does not
speak-to-interrupt-always-on = speak to interrupt: always on
speech-does-not-interrupt-switched = speech does not interrupt: switched off
speak-to-interrupt-sound-files = speak to interrupt: sound files
speak-to-interrupt-headset = speak to interrupt: headset
speak-to-interrupt-echo-cancellation = speak to interrupt: echo cancellation is on
speak-to-interrupt-the-microphone = speak to interrupt: the microphone does not hear the reply
speech-does-not-interrupt-over = speech does not interrupt over this loudspeaker: press Esc or Space

## conversation/profile_control

the-file-of-the-profile = The file of the profile { $name } was deleted. It stays in use until you choose another.
the-profile-lists-which-is = The profile { $chooser } lists { $name }, which is itself automatic. { $name } is left out.
the-profile-lists-a-profile = The profile { $chooser } lists a profile that does not exist: { $unknown }. It is left out.

## conversation/profile_switch

the-profile-was-not-changed = The profile was not changed
the-new-profile-applies-to = The new profile applies to sound at once, and to what the service is asked for from the next pause.
the-profile-was-read-again-and = The profile { $name } was read again and is in use.
the-profile-was-read-again = The profile { $about } was read again
auto-notice = Auto: { $why }

## conversation/repeat

not-while-you-speak = not while you speak
an-answer-is-on-its = an answer is on its way
an-answer-is-playing = an answer is playing
the-sound-is-being-checked = the sound is being checked
no-answer-was-heard-in = no answer was heard in the last ten minutes
an-answer-is-being-stopped = an answer is being stopped
there-is-no-speaker = there is no speaker

## conversation/sending

the-service-has-been-silent = The service has been silent
the-connection-is-too-slow = The connection is too slow: parts of what you say are lost. Use a faster network, or set `turn.detection: manual` in the profile.
what-you-said-is-longer = What you said is longer than the { $kept } minutes that can be kept, and the connection was away: its beginning is lost. Say the beginning again.
for-s-a-new-connection = { $unresponsive } for { $seconds } s. A new connection is opened, and what you said is sent again.

## conversation/settings_builder

configuration = Configuration
your-profiles = Your profiles
conversations-and-logs = Conversations and logs

## conversation/snapshot_builder

no-speaker-not-needed = no speaker: not needed
no-microphone-not-needed = no microphone: not needed
switched-on = switched on
switched-off = switched off
headset-not-needed = headset: not needed
loudspeaker-needed = loudspeaker: needed
the-microphone-hears-the-reply = the microphone hears the reply: needed
the-microphone-does-not-hear = the microphone does not hear the reply: not needed

## conversation/sound_check

the-microphone-is-muted = the microphone is muted
unmute-it-with-ctrl-m = Unmute it with Ctrl M, and check again.
sound-files-are-used-instead = sound files are used instead
start-without-files-and-check = Start without files, and check again.
there-is-none = there is none
plug-one-in-or-choose-one = Plug one in, or choose one under Sound.
no-sound-came-from-it = no sound came from it
plug-it-in-again-or = Plug it in again, or choose another one under Sound.

## conversation/sound_check_text

it-is-silent-probably-muted = it is silent: probably muted
look-for-a-mute-switch-on = Look for a mute switch on it, and in the sound settings of the system.
it-works-and-nothing-is = it works, and nothing is distorted
room = Room
no-noise-at-all-while = no noise at all while nobody speaks
of-noise-while-nobody-speaks = { $noise } of noise while nobody speaks
no-voice-was-heard = no voice was heard
speak-nearer-to-the-microphone = Speak nearer to the microphone, or choose another one under Sound.
db-over-the-room = , { $noise } dB over the room
the-sound-was-not-played = the sound was not played
connect-a-speaker-or-choose = Connect a speaker, or choose another one under Sound.
the-sound-was-played = the sound was played
echo = Echo
the-microphone-does-not-hear-the = the microphone does not hear the headset

## conversation/spend_limit

no-price-is-published-for = no price is published for { $model }
the-price-of-is-not = the price of { $host } is not known
your-text-was-not-sent = { $reached } Your text was not sent.
files-not-sent = { $n ->
        [one] { $reached } { $n } file was not sent.
       *[other] { $reached } { $n } files were not sent.
    }

## conversation/spending

the-spend-limit-cannot-be = The spend limit cannot be checked
the-spend-limit-is-raised = The spend limit is raised
the-microphone-is-closed = The microphone is closed.
the-microphone-closes-when-you = The microphone closes when you have finished speaking.
to-go-on-raise-in = To go on, raise `{ $key }` in config.yaml and save the file.
set-price-usd-per-million = Set the price in Settings, Key and account (`price_usd_per_million` with `in` and `out` in config.yaml).
this-conversation-may-cost-more = { $lifted }: this conversation may cost { $more } more.
today-more-may-be-spent = { $lifted }: today { $more } more may be spent.
go-on-allows-more = { $limit_usd } { $closing } "Go on" allows { $more_usd } more.
the-spend-limit-of-this-is-near = The spend limit is near: { $spent } is spent of this conversation's limit of { $allowed }. At { $allowed } the microphone closes.
the-spend-limit-of-today-is-near = The spend limit is near: { $spent } is spent of today's limit of { $allowed }. At { $allowed } the microphone closes.
the-spend-limit-of-this-is-reached = The spend limit is reached: { $spent } is spent of this conversation's limit of { $allowed }.
the-spend-limit-of-today-is-reached = The spend limit is reached: { $spent } is spent of today's limit of { $allowed }.

## conversation/spending/day

what-is-spent-today-cannot = What is spent today cannot be saved: { $file }: { $error }. After a restart today's limit begins at zero.

## conversation/typed

not-sent-send-it-in = Not sent: { $problem }. Send it in parts.
not-sent-the-sound-is = Not sent: the sound is being checked. Send it when the check is over.
there-is-nothing-to-send = there is nothing to send
the-text-is-too-long = { $n ->
        [one] the text is { $n } character too long: at most { $most } can be sent at once
       *[other] the text is { $n } characters too long: at most { $most } can be sent at once
    }

## telemetry/alert/kind

look-at-the-parts-of = Look at the parts of the response for whose share is the largest.
sovereign-doctor-live-tells-whether = `sovereign doctor --live` tells whether the service answers at all.
a-restart-gives-the-memory = A restart gives the memory back; if it grows again, please report it with "Copy report".
close-what-you-do-not = Close what you do not need.
ask-for-short-answers-or = Ask for short answers, or check microphone and echo.
take-a-profile-with-more = Take a profile with more patience.
the-line-delivers-late-or = The line delivers late, or this computer is busy: stop downloads, close what you do not need, or use a cable.
answers-arrive-late-until-the = Answers arrive late: { $value } until the first sound of one, { $limit } is the limit ({ $n } turns)
answers-are-slow-until-they = Answers are slow: { $value } until they are heard, { $limit } is the limit ({ $n } turns)
answers-are-missing-of-the = Answers are missing: { $value } % of the last { $n } turns got one, { $limit } % is the limit
memory-is-high-mb-mb = Memory is high: { $value } MB, { $limit } MB is the limit
it-grows-by-mb-an = ; it grows by { $growth } MB an hour
this-computer-is-busy-of = This computer is busy: { $value } % of its processors over ten seconds, { $limit } % is the limit
answers-are-interrupted-often-of = Answers are interrupted often: { $value } % of the last { $n }, { $limit } % is the limit
turns-are-cut-off-of = Turns are cut off: { $value } % of the last { $n } were not finished, { $limit } % is the limit
answers-stutter-times-within-ten = Answers stutter: { $value } times within ten seconds

## telemetry/auto/policy

noise-suppression-and-gain-control = {""} Noise suppression and gain control rest
while-the-processor-is-busy-best = {""} while the processor is busy.
while-the-processor-is-busy = {""} while the processor is busy, and no better profile is taken.
because-the-processor-is-busy = { $here }, because the processor is busy ({ $cpu } %).
because-the-memory-is-nearly = { $here }, because the memory is nearly full ({ $memory } %).
a-faster-profile-would-be = { $here }: a faster profile would be chosen for the machine's sake, but no more changes are allowed now.
power-is-saved-on-battery-lower = power is saved on battery
there-is-no-recent-answer = there is no recent answer to go by
better-and = better and
faster-and = faster and
chosen-if-this-lasts = chosen if this lasts
not-chosen-as-no-more = not chosen, as no more changes are allowed this hour
for-now-responses-take-about = { $here } for now: responses take about { $r } ms; with { $awaited }, which is { $what } { $when }, { $then } (wanted: { $target }).
responses-take-about-ms-with = { $here }: responses take about { $r } ms, with { $best } { $better } (wanted: { $target }).
responses-take-about-ms-would = { $here }: responses take about { $r } ms, { $network }; { $label } would save { $faster } ms.
responses-take-about-ms-wanted = { $here }: responses take about { $r } ms (wanted: { $target }).
power-is-saved-on-battery = { $words } Power is saved on battery.
of-them-the-service-and-the = { $server } of them the service and the network
of-them-the-service-and = { $network } of them the service and { $net } the network

## telemetry/collector

there-is-no-folder-to = There is no folder to write the figures to.
written-the-turns-of-this = Written: { $turns } (the turns of this conversation) and { $history } (the last seven days).
the-figures-cannot-be-written = The figures cannot be written to { $turns }: { $error }.

## telemetry/diagnosis/rules

your-last-words-wait-for = Your last words wait { $uplink } for the connection: it is slow, or breaks off.
stop-uploads-backups-video-calls = Stop uploads (backups, video calls), move nearer to the access point, or use a cable. The profile Low data sends the least.
the-round-trip-is-and = The round trip is { $trip }, and was { $shortest } before.
something-else-uses-the-line = Something else uses the line, or the radio is weak: stop downloads, move nearer to the access point, or use a cable.
the-connection-goes-through-a = The connection goes through a proxy, and its round trip is { $trip }.
if-the-proxy-is-not = If the proxy is not needed for this host, name it in NO_PROXY and start again.
the-round-trip-to-the-service = The round trip to the service is { $trip }, all the time.
a-vpn-that-leads-through = A VPN that leads through another country, a satellite or a mobile line does this: go without, or use a cable.
the-round-trip-to-the = The round trip to the service varies by { $by }: the line is unsteady.
use-a-cable-or-move = Use a cable, or move nearer to the access point.
of-what-is-sent-is = { $lost } % of what is sent is lost on the way and has to be sent again.
move-nearer-to-the-access = Move nearer to the access point, or use a cable: most losses happen on the radio.
close-programs-that-use-the = Close programs that use the processor.
taking-in-an-answer-needs = Taking in an answer needs { $decode }: this computer has no time for it.
answers-are-gathered-for-before = Answers are gathered for { $buffer } before they are played
stuttered-once = stuttered (once)
stuttered-times = stuttered ({ $n } times)
the-profile-asks-for = { $begins }: the profile asks for { $prebuffer }.
lower-audio-prebuffer-ms-in-the = Lower `audio.prebuffer_ms` in the profile, or take a faster profile: it grows by itself where that is needed.
lower-audio-prebuffer-ms-in = Lower `audio.prebuffer_ms` in the profile: it grows by itself where that is needed.
the-profile-asks-for-and = { $begins }: the profile asks for { $prebuffer }, and they { $stuttered } all the same.
the-line-delivers-in-bursts-move = The line delivers in bursts: move nearer to the access point, use a cable, or stop downloads. Then lower `audio.prebuffer_ms` in the profile.
because-they = { $begins }, because they { $stuttered }.
arrive-in-bursts = arrive in bursts
the-line-delivers-in-bursts = The line delivers in bursts: move nearer to the access point, use a cable, or stop downloads. It shrinks again by itself.
the-speaker-works-in-periods = The speaker works in periods of { $granted } although { $asked } were asked for, and holds sound for { $device }.
another-program-holds-the-device = Another program holds the device, or it stuttered: close other sound programs, or choose another speaker under Sound.
the-profile-asks-for-periods = The profile asks for periods of { $asked }, and the speaker holds sound for { $device }.
lower-audio-period-frames-in = Lower `audio.period_frames` in the profile, or take a faster profile.
the-speaker-holds-sound-for = The speaker holds sound for { $device }, as wireless ones do.
with-a-wired-speaker-or = With a wired speaker or headset you hear answers sooner.
you-went-on-after-of = You went on after { $share } % of your turns had been taken for over.
take-a-profile-with-more-patience = Take a profile with more patience, raise `turn.patience_ms`, or set `turn.adaptive_patience: on`.
answers-are-ready-before-it = Answers are ready { $held } before it is clear that you have finished.
if-you-rarely-pause-lower = If you rarely pause, lower `turn.patience_ms` in the profile, or take a faster profile.
of-silence-pass-before-a = { $waits } of silence pass before a turn is taken for over.
lower-turn-patience-ms-in = Lower `turn.patience_ms` in the profile, or take a faster profile.
you-interrupt-of-the-answers-they = You interrupt { $share } % of the answers; they last { $heard } s.
set-live-answer-length-short = Set `live.answer_length: short` in the profile, or ask for short answers.
you-interrupt-of-the-answers = You interrupt { $share } % of the answers.
if-they-are-too-long = If they are too long, set `live.answer_length: short`; if a sound interrupts them, check microphone and echo.
of-the-answers-are-interrupted = { $share } % of the answers are interrupted, though they are short.
a-sound-may-be-taken = A sound may be taken for you: check microphone and echo, or use a headset.
microphone-and-speaker-carry-a = Microphone and speaker carry a telephone's band, half of the voice's at best: a Bluetooth headset switches to it while its microphone is in use.
choose-another-microphone-under-sound = Choose another microphone under Sound, a wired one or that of this computer: you are understood better, and the headset plays in full quality again.
the-microphone-gives-half-of = The microphone gives half of the voice's band at best, as a hands-free one over Bluetooth does.
you-are-understood-better-with = You are understood better with a wired microphone, or with that of this computer: choose it under Sound.
the-speaker-plays-a-telephones = The speaker plays a telephone's band: a Bluetooth headset switches to it while any program uses its microphone.
end-what-uses-the-headsets = End what uses the headset's microphone, such as a call, or give that program another one.
the-processors-are-busy-with-this = The processors are { $all } % busy, { $own } % with this program.
the-processors-are-busy-with = The processors are { $all } % busy, { $own } % with other programs.
close-what-you-do-not-need-browsers = Close what you do not need: browsers, video, backups.
connect-the-charger-or-choose = Connect the charger, or choose a faster power mode in the system's settings.
let-it-cool-down-or = Let it cool down, or choose a faster power mode in the system's settings.
the-processor-is-held-to = The processor is held to { $clock } % of its speed.
the-memory-of-this-computer = The memory of this computer is { $full } % full.
close-what-you-do-not-need = Close what you do not need: when it is full, everything waits for the disk.
this-programs-memory-grows-by = This program's memory grows by { $amount } MB an hour and does not come back.
that-is-a-fault-of = That is a fault of the program: please report it with "Copy report". A restart gives the memory back.
echo-cancellation-is-switched-on = Echo cancellation is switched on by hand, and takes much of it: on automatic it rests with a headset.
gain-control-and-noise-suppression-take = Gain control and noise suppression take much of it: a profile goes without. With a headset echo cancellation rests, too.
gain-control-and-noise-suppression = Gain control and noise suppression take much of it: set `audio.gain_control: off` and `audio.noise_suppression: off` in the profile.
with-a-headset-echo-cancellation = With a headset echo cancellation rests, which takes the most where there are loudspeakers. Else close what you do not need.

## telemetry/diagnosis/service_causes

the-service-needs-it-searches = The service needs { $took }: it searches the web before it answers.
set-live-google-search-false = Set `live.google_search: false` in the profile if answers need not be of today.
the-service-needs-the-model = The service needs { $took }: the model may think before it answers.
take-a-model-that-does = Take a model that does not think, with `live.model` in the profile, or a faster profile.
set-live-thinking-in-the = Set `live.thinking: { $least }` in the profile, or take a faster one.
the-service-needs-the-silence = The service needs { $took }; the silence that it waits for is in it.
set-detection-manual-in-the = Set `detection: manual` in the configuration, or `turn.detection: manual` in the profile: then this computer decides when you have finished.
the-service-needs-it-reads-a = The service needs { $took }: it reads a conversation of { $tokens } tokens with every turn.
lower-live-compress-at-tokens = Lower `live.compress_at_tokens` in the profile: the oldest turns are then forgotten earlier.
the-service-needs-it-reads = The service needs { $took }: it reads an instruction of { $chars } characters with every turn.
shorten-live-instruction-in-the = Shorten `live.instruction` in the profile.
service-and-network-need-and = Service and network need { $server }, and needed { $before } before: the service is busy.
nothing-is-wrong-here-it = Nothing is wrong here. It mostly passes within minutes; a new connection may reach another machine.
model = model { $model }
server-on-this-computer = server on this computer
takes-most-of-it = takes most of it
has-the-largest-share = has the largest share
the-needs-for-its-first = The { $who } needs { $took } for its first sound.
which-is-usual-today = , which is usual today
the-service-the-needs-of = The service { $has }: the { $who } needs { $took } of { $response } for its first sound{ $usual }.
no-setting-of-this-program = No setting of this program makes it faster: look at that server, or at what it asks in turn.
choose-a-faster-model-with = Choose a faster model with `live.model` in the profile.
another-model-live-model-a = Another model (`live.model`), a shorter `live.instruction`, or another way to the service (no VPN or proxy, a cable) may be faster; no setting of sound or patience is.

## telemetry/diagnosis/shares

the-connection-goes-through-a-proxy = The connection goes through a proxy: if it is not needed for this host, name it in NO_PROXY and start again.
it-depends-on-where-the = It depends on where the service's nearest place is. A VPN that leads through another country, or a mobile line, makes it longer.
the-way-to-the-service-and = The way to the service and back has the largest share: { $network } of { $response }.
until-an-answer-is-taken = until an answer is taken in
until-it-is-clear-that = until it is clear that you have finished
until-enough-of-an-answer = until enough of an answer is gathered
lower-audio-prebuffer-ms-in-the-profile = Lower `audio.prebuffer_ms` in the profile; where the line delivers in bursts, use a cable.
in-the-speaker = in the speaker
lower-audio-period-frames-in-the = Lower `audio.period_frames` in the profile, or use a wired speaker.
this-computer-has-the-largest = This computer has the largest share: { $ours } of { $response }
of-which-pass = { $begins }, of which { $length } pass { $at }.
its-parts-are-not-known = Its parts are not known here: take a faster profile, and close programs that use the processor.
with-less-patience-more-of = With less patience more of your turns would be cut off: that they wait is right.
if-you-rarely-pause-lower-turn = If you rarely pause, lower `turn.patience_ms` in the profile.

## telemetry/diagnosis/types

patience-before-it = patience before it
to-the-service = to the service
to-your-ear = to your ear
microphone-and-speaker-lower = microphone and speaker
if-it-is-fast-enough = { $remedy } If it is fast enough for you, raise `{ $key }` in the profile.
conversation-lower = conversation
this-computer-label = this computer

## telemetry/mod

the-part-that-collects-statistics = The part that collects statistics
the-statistics-begin-again = { $restarted } The statistics begin again.

## conversation/on_store

n-conversations-deleted = { $n ->
    [one] { $n } conversation deleted
   *[other] { $n } conversations deleted
}
not-answered-because-it-ended = { $unsent }, because the program ended: what you said, { $heard }. Send it now?
written = Written: { $file }
the-conversation-is-not-exported = The conversation is not exported: { $why }.
seconds-from = { $seconds } s from { $time }

## base/supervise

part-was-restarted = { $part } failed because of a fault in this program, and was restarted.
part-stays-off = { $part } failed repeatedly because of a fault in this program, and stays off.
writing-to-the = Writing to the { $name }
the-server-of-the-demo = The server of the demo

## turn/machine

no-answer-within = no answer within { $within } s
no-answer-within-times = no answer within { $within } s, { $times } times
the-reply-stopped-for = the reply stopped for { $seconds } s
the-service-called-a-function = the service called a function without an id, which nobody can answer
the-connection-was-lost-in = the connection was lost in the middle of the reply
there-was-no-connection-for = there was no connection for { $seconds } s
connections-in-a-row-ended = { $times } connections in a row ended before it was answered
connections-in-a-row-broke = { $times } connections in a row broke off while it was being sent
the-conversation-was-ended-before = the conversation was ended before it could be sent and answered

## provider/connection

is-no-address-of-a = { $url } is no address of a Live server: { $why }
would-be-reached-without-encryption = { $host } would be reached without encryption, so it is not dialled
is-set-to-which-cannot = { $variable } is set to `{ $value }`, which cannot be used: { $why }
no-name-server-answers-for = no name server answers for { $host }
the-name-was-not-found = the name { $host } was not found
refuses-connections = { $address } refuses connections
cannot-be-reached = { $address } cannot be reached ({ $why })
could-not-prove-who-it = { $host } could not prove who it is: { $problem }
no-encrypted-connection-to = no encrypted connection to { $host }: { $why }
this-computers-certificates-cannot = this computer's certificates cannot be used: { $why }
is-not-a-live-server = { $address } is not a Live server: it answered { $answer }
sends-us-elsewhere = { $address } sends us elsewhere ({ $to }); a login page of the network may be in between
the-proxy-refuses-the-login = the proxy { $proxy } refuses the login that was sent ({ $detail })
the-proxy-wants-a-login = the proxy { $proxy } wants a login, and none was sent ({ $detail })
the-proxy-does-not-connect = the proxy { $proxy } does not connect to { $address }: { $answer }
wants-an-api-key-there-is-none = { $who } wants an API key, and there is none
wants-an-api-key-none-was-sent = { $who } wants an API key, and none was sent ({ $detail })
the-api-key-holds-spaces = the API key holds spaces or signs that no key has
the-service-refuses-the-api-key = the service refuses the API key ({ $detail })
the-quota-of-this-api-key = the quota of this API key is used up ({ $detail })
the-model-is-not-available = the model is not available ({ $detail })
the-model-is-not-made = the model is not made for live talk ({ $detail })
the-model-does-not-know = the model does not know this voice ({ $detail })
the-service-is-not-offered = the service is not offered where you are ({ $detail })
the-service-refused-what-was = the service refused what was sent ({ $detail })
the-service-closed-the-connection = the service closed the connection ({ $detail })
has-trouble-of-its-own = { $address } has trouble of its own (HTTP { $status })
the-connection-broke-off = the connection broke off ({ $why })
broke-the-connection-off = { $address } broke the connection off before it had answered ({ $why })
the-service-has-stopped = the service has stopped answering
the-service-sent-messages = the service sent messages that make no sense ({ $what })
the-service-is-about-to = the service is about to end this connection
the-connection-failed-repeatedly = the connection failed repeatedly because of a fault in this program
the-connection-failed-because = the connection failed because of a fault in this program
did-not-become-known = { $address } did not become known by name within { $seconds } s
did-not-answer-within = { $address } did not answer within { $seconds } s
did-not-connect-us-to = { $address } did not connect us to the service within { $seconds } s
did-not-agree-on-encryption = { $address } did not agree on encryption within { $seconds } s
did-not-open-a-conversation = { $address } did not open a conversation within { $seconds } s
did-not-take-up-the = { $address } did not take up the conversation within { $seconds } s
did-not-list-its-models = { $address } did not list its models within { $seconds } s
check-the-endpoint-it-begins = Check the endpoint: it begins with wss://, or with ws:// on this computer.
use-a-wss-address = Use a wss:// address.
check-the-network-connection-and-its = Check the network connection and its name server (DNS); it is tried again.
check-the-network-connection-and-the = Check the network connection and the spelling of the endpoint.
check-that-the-server-runs = Check that the server runs and that the port is right.
check-the-network-connection = Check the network connection.
there-is-nothing-to-do-said = There is nothing to do: a new connection is opened, and what you said is sent again.
check-that-the-endpoint-is = Check that the endpoint is a Live server; otherwise try again.
check-that-the-endpoint-speaks = Check that the endpoint speaks TLS 1.2 or newer, and that no login page of the network is in between.
install-the-systems-certificates = Install the system's certificates (on Debian: ca-certificates).
check-the-endpoint-its-path = Check the endpoint, its path included.
open-a-web-page-in = Open a web page in the browser and log in to the network.
write-the-proxy-as = Write the proxy as http://USER:PASSWORD@HOST:PORT; @ : / ? # % in user and password are %40 %3A %2F %3F %23 %25.
check-the-variable-that-names = Check the variable that names the proxy, its http://, https:// or socks5h:// included; or name the host in NO_PROXY.
check-the-network-connection-firewall = Check the network connection, and whether a firewall is in between.
set-gemini-api-key = Set GEMINI_API_KEY; a stored key goes to Google and to the endpoint of the configuration file only.
copy-the-key-anew = Copy the key anew, without spaces.
enter-a-valid-key = Enter a valid key; one can be made in Google AI Studio.
wait-or-raise-the-quota = Wait, or raise the quota in Google AI Studio.
change-live-model-in-the = Change `live.model` in the profile; `sovereign doctor --live` lists the models that this key can talk to.
change-live-voice-in-the = Change `live.voice` in the profile, or choose another voice in the window: every model knows the prebuilt voices, such as Kore.
use-the-service-from-a = Use the service from a place where it is offered.
choose-a-built-in-profile = Choose a built-in profile; if it stays, report this text.
wait-a-little-it-is = Wait a little: it is tried again.
try-again-if-it-stays = Try again; if it stays, report this text.
there-is-nothing-to-do = There is nothing to do: a new connection is opened.
try-again-or-start-the = Try again, or start the program again; please report it.
nothing-that-is-sent-gets = nothing that is sent gets away
the-network-of-this-computer = the network of this computer has changed
what-answers-does-not-speak = what answers does not speak TLS
it-broke-off = it broke off ({ $error })
its-certificate-has-expired = its certificate has expired
its-certificate-is-not-valid = its certificate is not valid yet
nobody-this-computer-trusts = nobody this computer trusts has signed its certificate
its-certificate-is-for-another = its certificate is for another name
check-this-computers-date = Check this computer's date and time.
if-your-network-inspects = If your network inspects traffic, install its certificate in this computer.
check-the-endpoints-spelling = Check the endpoint's spelling.
tell-the-servers-owner = Tell the server's owner.
it-names-no-host = it names no host
it-begins-neither-with-wss = it begins neither with wss:// nor with ws://
it-is-not-text-in = it is not text in UTF-8
socks-version-4-is-not = SOCKS version 4 is not supported
its-scheme-is-none-of = its scheme is none of a proxy that is supported
something-follows-the-host = something follows the host and the port
port-0-cannot-be-dialled = port 0 cannot be dialled
the-proxy-names-no-host = it names no host
its-user-or-password-is = its user or password is not text in UTF-8
socks-needs-a-user-and = SOCKS needs a user and a password, of up to 255 bytes each
something-that-is-not-http = something that is not HTTP
something-that-is-not-socks = something that is not SOCKS 5
host-and-port-of-variable = { $host }:{ $port } of { $variable }
no-encrypted-connection-to-the = no encrypted connection to the proxy itself: { $why }; most proxies are written http://
it-takes-only-which-is = HTTP 407; it takes { $kinds } only, which is not supported
the-proxy-named = the proxy { $proxy }
an-upgrade-that-is-none = an upgrade that is none of a WebSocket
a-web-page = a web page
as-a-web-server-does = as a web server does ({ $to })
none-of-its-certificates-can = none of its certificates can be read
it-holds-no-certificate-in = it holds no certificate in PEM form
it-is-not-a-folder = it is not a folder
it-is-a-folder = it is a folder; folders are named in SSL_CERT_DIR
it-is-too-large-to = it is too large to be a list of certificates
it-is-not-a-file = it is not a file
there-is-no-such-folder = there is no such folder
reading-them-broke-off = reading them broke off
no-reason-given = no reason given
an-error-of-the-websocket = an error of the WebSocket library
one-of-more-than = one of more than { $size } MiB
name-the-certificates-of-your = Name the certificates of your network in PEM form, or unset the variable: the system's are used then.
write-http-host-port = Write http://HOST:PORT, https://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT into it, with USER:PASSWORD@ before HOST where a login is needed (@ : / \ ? # % in it as %40 %3A %2F %5C %3F %23 %25); or unset it.

## audio

the-device-is-in-use = The { $device } is in use by another program. Close that program; we keep trying.
there-is-no-device = There is no { $device }. Plug one in; it is used as soon as it appears.
the-sound-system-does-not = The sound system does not answer. Start it; we keep trying.
the-system-does-not-let = The system does not let this program use the { $device }. Allow it in the privacy settings.
the-system-has-no-resources = The system has no resources left to open the { $device }. Close other programs.
the-device-cannot-be-used = The { $device } cannot be used as it is set up. Choose another one.
the-device-was-lost = The { $device } was lost. It is opened again as soon as it is there.
the-device-does-not-work = The { $device } does not work. It is opened again; if this stays, choose another one.
was-unplugged-and-there-is = { $name } was unplugged, and there is no other { $device }. Plug one in; it is used as soon as it appears.
the-chosen-device-and-no-other = The { $device } that was chosen ({ $id }) is not there, and there is no other. Plug one in, or choose another one.
the-chosen-device-plug-it = The { $device } that was chosen ({ $id }) is not there. Plug it in, or choose another one.
the-chosen-device-using-until = The { $device } that was chosen ({ $id }) is not there: using { $name } until it is back.
was-unplugged-using-until = { $gone } was unplugged: using { $name } until it is back.
was-unplugged-using = { $gone } was unplugged: using { $name }.
is-back-it-is-used = { $name } is back: it is used again.
is-used-now = { $name } is used now.
cannot-be-written = { $path } cannot be written: { $source }
the-system-refused-a-thread = the system refused a thread for the sound: { $error }; close other programs
the-sound-side-does-not = the sound side does not answer; start the program again
the-system-refused-a-thread-close = The system refused a thread: { $error }. Close other programs.

## base/keys

at-once = at once
in-the-next-pause = in the next pause
with-the-next-connection = with the next connection
from-the-next-start-on = from the next start on
this-what = This { $what }.
this-what-allowed = This { $what }: { $allowed }.
this-did-you-mean = { $this } Did you mean "{ $meant }"?
write-a-value-or-remove = write a value, or remove the line
a-backslash-use-single-quotes = a backslash in double quotes means something else than itself: use single quotes
holds-a-line-break-or = holds a line break or another control character
allowed-is-a-whole-number = allowed is a whole number from { $from } to { $to }
allowed-is-a-whole-number-multiple = allowed is a whole number from { $from } to { $to }, a multiple of { $step }
allowed-is-a-number = allowed is a number
allowed-is-a-number-above = allowed is a number above { $from } and up to { $to }
allowed-is-a-number-from = allowed is a number from { $from } to { $to }
allowed-is-a-text-of = allowed is a text of { $from } to { $to } characters
allowed-or-none = { $allowed }, or { $none }
allowed-is-a-multiple-of = allowed is a multiple of { $step }
has-characters = has { $n } characters

## settings/api_key

the-systems-keyring = the system's keyring
the-key-file = the key file
the-key-is-empty = the key is empty
the-key-holds-a-blank = the key holds a blank, a line break, a quote, a bracket or another character that no key has: copy it again, and nothing around it
the-key-has-more-than = the key has more than { $most } characters: copy the key alone
there-is-no-folder-to-keep = there is no folder to keep the key in: set { $variable }, or name a configuration file with --config
cannot-be-changed = { $path } cannot be changed: { $error }
the-systems-keyring-did-not = The system's keyring did not answer within { $seconds } s: unlock it, or set { $variable }.
the-systems-keyring-cannot-be = The system's keyring cannot be asked.
the-key-in-the-systems = The key in the system's keyring is not used: { $error }.
so-its-key-is-not = { $path } { $error }, so its key is not used: run `chmod 600 { $path }`.
is-not-used = { $name } is not used: { $error }.
the-systems-keyring-is-locked = The system's keyring is locked or cannot be reached: unlock it, or set { $variable }.
the-systems-keyring-holds-more = The system's keyring holds more than one key for { $service }: leave one.

## file

there-is-no-such-file = there is no such file
is-no-plain-file = is { $what }: put a plain file there
a-link = a link
a-folder = a folder
a-pipe-or-a-device = a pipe or a device
belongs-to-another-user = belongs to another user: remove it, or make it yours with `chown`
can-be-read-by-others = can be read by others (mode { $mode })
cannot-be-read = cannot be read: { $error }
it-is-a-link-that = it is a link that another user made
it-belongs-to-another = it belongs to another user

## conversation/files

the-key-was-not-saved = The key was not saved: { $problem }
the-key-was-not-removed = The key was not removed: { $problem }
the-last-choice-was-not = The last choice was not saved: { $problem }
a-fault-stopped-the-work = A fault in the program stopped the work on your files. Please do it again.
demo-conversation = Demo, { $time }

## conversation/settings

the-key-is-saved-and = the key is saved, and used when the configuration file is corrected: { $fault }

## store

there-is-no-such-conversation-any = there is no such conversation any more
its-sound-is-not-kept = its sound is not kept; with "Keep their sound too" in Settings, Privacy (`keep_audio: on` in config.yaml), it is from then on
its-sound-cannot-be-converted = its sound cannot be converted: { $error }
it-was-written-by-a = it was written by a newer version of this program (schema { $found }, this one knows { $known }); it is left alone
it-is-the-file-of = it is the file of another program; it is left alone
it-is-damaged = it is damaged ({ $why })
another-program-is-writing-to = another program is writing to it
the-disk-reports-an-error = the disk reports an error ({ $why })
the-disk-is-full = the disk is full
it-may-not-be-written-read = it may not be written there (read-only)
it-may-not-be-written = it may not be written there
it-or-the-log-beside = it or the log beside it cannot be opened for writing
there-is-not-enough-memory = there is not enough memory
it-is-too-long = it is too long
it-has-bytes = it has { $length } bytes
cannot-be-used = cannot be used: { $error }
the-end-is-not-kept-the = The end of the conversation is not kept: the disk does not answer.
the-end-is-not-kept = The end of the conversation is not kept.
while-nothing-could-be-written = { $n ->
        [one] While nothing could be written, { $n } part of what was said was given up.
       *[other] While nothing could be written, { $n } parts of what was said were given up.
    }
the-store-of-conversations = The store of conversations
the-conversation-is-not-kept = The conversation is not kept
what-was-deleted-may-still = What was deleted may still be in the file
the-kept-conversations-cannot = The kept conversations cannot be read
there-is-no-folder-for = there is no folder for it
the-file-of-kept-conversations = { $n ->
        [one] The file of kept conversations was damaged. A new one holds what could be read ({ $n } turn); the old one is { $name }.
       *[other] The file of kept conversations was damaged. A new one holds what could be read ({ $n } turns); the old one is { $name }.
    }
figures-and-words-without = Figures, and words without an answer, are not kept: { $path }: { $error }.

## settings/watch

changes-of-files-are-not = changes of files are not noticed until the next start: { $error }
the-system-gives-no-thread = the system gives no thread
the-watch-on-your-files = The watch on your files

## base/yaml

unknown-key = unknown key
is-empty = is empty
no-key-is-allowed-here = no key is allowed here
a-tab-stands-here = a tab stands here
yaml-forbids-tabs = YAML forbids tabs: indent with spaces
aliases-are-followed-too-often = aliases (`*name`) are followed too often
write-the-values-out = write the values out
nested-too-deeply = nested too deeply
at-most-128-levels-are = at most 128 levels are allowed
an-alias-of-something = an alias (`*name`) of something that is not there
put-a-text-that-begins = put a text that begins with `*` in quotes
a-key-without-a-value = a key without a value
write-key-value-with-a = write `key: value`, with a space after the colon
a-list-begins-in-the = a list begins in the line of its key, or a text with `- `
begin-the-list-in-the = begin the list in the next line, or put the text in quotes
a-backslash-in-double-quotes = a backslash in double quotes means something else than itself
write-the-text-in-single = write the text in single quotes, as 'C:\Users\me', or each backslash twice
a-key-a-colon-or = a key, a colon or the indentation is not where it should be
write-one-key-value-indented = write one `key: value` to a line, indented with spaces just like its neighbours; a text with `: ` in it goes in quotes
a-sign-stands-here = a sign stands here that cannot begin a value
put-texts-that-begin-with = put texts that begin with a sign such as `@`, `%`, `&`, `?` or `` ` `` in quotes
this-cannot-be-read-as = this cannot be read as YAML
write-one-key-value-and = write one `key: value` to a line, and put a text with signs in it in single quotes
a-quote-or-a-bracket = a quote or a bracket is not closed, or one is closed that was not opened
is-value = is `{ $value }`
is-kind = is { $value }
allowed-is = allowed is { $only }
allowed-are = allowed are { $many }
the-next-line-was-read = {""} (the next line was read as a part of it: check its indentation)
the-text = the text { $text }
empty = empty
a-group-of-keys = a group of keys
a-group-of-keys-each = a group of keys, each as `key: value`
a-list = a list
a-whole-number-from-0 = a whole number from 0 on
a-whole-number = a whole number
a-number = a number
true-or-false = `true` or `false`
a-text = a text
one-word = one word
or-word = { $first }, or `{ $word }`
close-what-was-opened-before = close what was opened before here
close-what-was-opened-at = close what was opened at { $place }
allowed-at-place = { $allowed }, at { $place }
line-and-column = line { $line }, column { $column }
has-too-many-values = has too many values
at-most-50000-are-allowed = at most 50000 are allowed, with aliases (`*name`) followed
has-a-tag = has a tag (`!…`)
tags-have-no-meaning-here = tags have no meaning here: put a text that begins with `!` in quotes
once-is-allowed = once is allowed: remove one of the two
stands-here-for-the-second = stands here for the second time
a-second-document-begins = a second document begins
one-document-to-a-file = one document to a file is allowed: remove `---` and what follows
this-line-is-indented-less = this line is indented less than the first
keys-of-one-group-begin = keys of one group begin in the same column
only-utf-8-text-is = only UTF-8 text is allowed: save the file as UTF-8
only-text-is-allowed = only text is allowed
the-file-is-empty = the file is empty
write-at-least-one-key = write at least one key, as `key: value`
the-first-is-in-line = { $what } (the first is in line { $line })
the-file-has-bytes = the file has { $length } bytes
at-most-are-allowed = at most { $most } are allowed
byte-is-not-utf-8 = byte { $place } of the file is not UTF-8
a-control-character-stands-here = a control character (U+{ $code }) stands here
brackets-are-open-at-once = { $level } brackets are open at once
did-you-mean = ; did you mean `{ $word }`?

## profile

allowed-are-small-letters = allowed are small letters, digits and single hyphens between them, at most 40 characters
allowed-is-the-name-of = allowed is the name of a Live model without `models/`, such as gemini-3.8-live
allowed-are-the-30-voices = allowed are the 30 voices of the Live API, from Achernar to Zubenelgenubi, and ids of its catalogue such as en-us-tavi
allowed-is-a-language-code = allowed is a language code such as en-US or de
allowed-is-a-list-of = allowed is a list of at most 10 language codes such as [de, en-US], or default
allowed-are-at-most-100 = allowed are at most 100 names and terms, each of 1 to 100 characters on one line
allowed-are-2-to-8 = allowed are 2 to 8 names of profiles, from the fastest to the best
is-which-writes-down-what = is `{ $text }`, which writes down what it hears and answers nothing
allowed-is-a-model-that = allowed is a model that talks, such as gemini-3.8-live
has-languages = has { $n } languages
holds-value = holds `{ $value }`
holds-value-twice = holds `{ $value }` twice
has-entries = has { $n } entries
has-a-line-break-or = has a line break or another control character in entry { $place }
has-characters-in-entry = has { $n } characters in entry { $place }
has-names = { $n ->
        [one] has { $n } name
       *[other] has { $n } names
    }
a-profile-with-auto-has = a profile with `auto` has this from those that it chooses among: write it there
is-written = is written
the-files-name-cannot-stand = the file's name cannot stand for it: add a line such as `name: my-own`
is-missing = is missing
write-live-languages-alone = write `live.languages` alone: this is its old name
is-written-besides = is written besides
allowed-is-less-than = allowed is less than { $value }, the value of { $key }
allowed-is-more-than = allowed is more than { $value }, the value of { $key }
allowed-is-at-most = allowed is at most { $value }, the value of { $key }
allowed-is-at-least = allowed is at least { $value }, the value of { $key }
is-which-this-version-does = is `{ $name }`, which this version does not know
only-settings-that-every-model = only settings that every model takes are sent to it
is-name-which = is `{ $name }`, which { $what }
use-successor = use { $successor }
does-nothing = does nothing
model-not-known = Model: { $name }, which this version does not know.
model-does-not-think = Model: { $name }, which does not think.
model-thinks-by-itself = Model: { $name }, which thinks by itself.
model-thinks-as-set = Model: { $name }, which thinks as much as `live.thinking` says.
as-it-does-not-think = as { $name } does not think and cannot be told how much: remove it
as-it-thinks-by-itself = as { $name } thinks by itself and cannot be told how much: remove it
is-of-the-catalogue-which = is `{ $voice }`, of the catalogue, which models before 3.8 do not know
use-one-of-the-prebuilt = use one of the prebuilt voices, such as Kore, or gemini-3.8-live
ended-on = ended on { $on }
may-have-ended-with-its = may have ended with its last preview on 2026-11-17
the-profile-cannot-be-used = the profile `{ $name }` cannot be used: { $fault }
unknown-profile = unknown profile `{ $name }`. There are: { $known }
unknown-profile-did-you-mean = unknown profile `{ $name }`: did you mean `{ $meant }`? There are: { $known }
its-last-good-version = {""} Its last good version, `{ $name }`, stays in use.
the-profile-is-in-already = { $file }: the profile `{ $name }` is in { $other } already. That one is used: give one of the two another `name:`.
the-file-is-left-out-built = {""} The file is left out: the built-in `{ $name }` is used.
the-file-is-left-out = {""} The file is left out.

## settings

allowed-is-a-text-on = allowed is a text on one line
allowed-is-an-address-wss = allowed is an address that begins with wss://, or with ws:// on this computer
allowed-is-a-number-of = allowed is a number of days such as 30d, or off, or forever
allowed-is-the-path-of = allowed is the path of a folder
allowed-is-an-address-of = allowed is an address of this computer with a port, such as 127.0.0.1:9464
allowed-are-16-to-200 = allowed are 16 to 200 letters, digits and signs without spaces; without the line one is made
allowed-is-an-address-https = allowed is an address that begins with https://, or with http:// on this computer
allowed-is-a-size-and = allowed is a size and a place such as 1100x720+40-30
the-choices-in-this-file = { $what }. The choices in this file are left out: remove it.
there-is-no-folder-for-configuration = there is no folder for the configuration: name a file with --config
the-file-is-left-as = { $fault } The file is left as it is: correct it first
cannot-be-written-make-it = { $path } cannot be written: { $error }. Make it writable, or name another file with --config
this-cannot-be-changed-by = { $place }: this cannot be changed by itself, write `{ $key }` there by hand
is-gone-put-it-back = { $name } is gone: put it back, or start again without it
is-a-link-to-a = { $name } is a link to a file that is not there
the-file-is-empty-now = { $name }:1:1: the file is empty now: write it again, or start again with it
does-not-say = does not say `{ $lacks }`
both-in-and-out-are = both `in` and `out` are needed, the US dollars for a million tokens of what is sent and of what is answered
the-us-dollars-for-a = the US dollars for a million tokens
in-us-dollars = in US dollars
there-is-no-setting = There is no key `{ $name }`.
this-cannot-be-left-out = This cannot be left out: { $allowed }.
has-characters-or-some = has { $n } characters, or some that cannot be sent
is-no-address-that-alerts = is no address that alerts can be sent to
variables-have-no-meaning-here = variables have no meaning here: write `~/` for your home folder, or the whole path
is-your-own-home-folder = `~` is your own home folder only: write `~/` and what follows, or the whole path
is-not-a-url-allowed = is not a URL; allowed is wss://HOST, or ws://127.0.0.1:PORT on this computer
does-not-begin-with-wss = does not begin with wss:// or ws://; the Live API is spoken over WebSocket only
names-no-host-allowed = names no host; allowed is wss://HOST, or ws://127.0.0.1:PORT on this computer
would-send-speech-unencrypted = would send speech unencrypted over the network; ws:// is allowed on this computer only (127.0.0.1, localhost), use wss://
holds-a-user-name-or = holds a user name or a password; remove them, the key is sent by itself where it may be
holds-a-key-put-it = holds a key; put it into GEMINI_API_KEY instead, addresses are shown and logged
holds-a-which-no-websocket = holds a `#`, which no WebSocket address may
the-profile-is-shipped-with = the profile `{ $name }` is shipped with the program: there is no file to remove
there-is-no-folder-for-profiles = there is no folder for profiles: name a configuration with --config
is-there-already-and-is = { $file } is there already and is not in use: correct or remove it first
this-was-changed-in-the = { $place }: this was changed in the file meanwhile, and is left as it is there
cannot-be-written-make-the = { $file } cannot be written: { $error }. Make the folder writable, or name a configuration in another one with --config
there-is-no-key-named = there is no key `{ $key }`
this-file-and-those-behind = this file and those behind it are left out: more than { $most } are not read

## provider/gemini

code-no-reason-given = code { $code }, no reason given
what-it-answers-to-the = what it answers to the setup is no message of a Live service

## cli/start_conversation

is-not-there-the-defaults = { $file } is not there: the defaults hold.
configuration-file-is-used = configuration file: { $unknown }. { $default } is used.
a-bundled-question-is-spoken = { $none }: a bundled question is spoken instead. Connect one and start again to talk yourself.
there-is-no-speaker-or = There is no speaker or headphone: replies cannot be heard.

## dates, numbers, and what was put together before

months-short = Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
months = January February March April May June July August September October November December
weekdays = Monday Tuesday Wednesday Thursday Friday Saturday Sunday
day-month-time = { $day } { $month } { $time }
weekday-day-month = { $weekday }, { $day } { $month }
decimal-separator = .
cost-in-dollars = ${ $amount }
cost-at-most = at most { $cost }
percent-of-a-core = { $percent } % of a core
sending = sending
playing = playing
variation = variation
check-good = good
alert-and-its-limits = { $n ->
        [one] { $about } The limit is { $limits } under `alerts:` in the profile.
       *[other] { $about } The limits are { $limits } under `alerts:` in the profile.
    }
queues = queues
turns = turns
answered = answered
threads = threads
memory-lower = memory
response = response
interrupted = interrupted
stutters = stutters
too-loud = too loud: { $percent } % of its sound is distorted
lower-its-level = Lower its level in the sound settings of the system.
move-away-from-what-hums = Move away from what hums, or choose the profile High quality: it takes noise out.
go-nearer-to-the-microphone = Go nearer to the microphone, or raise its level in the sound settings.
the-microphone-did-not-hear = the microphone did not hear the speaker
turn-the-speaker-up = If you did not hear it either, turn the speaker up.
it-comes-back-louder = it comes back after { $ms } ms, { $db } dB louder
it-comes-back-quieter = it comes back after { $ms } ms, { $db } dB quieter
turn-the-speaker-down = Turn the speaker down, move it away from the microphone, or use a headset.
wireless-speakers-are-late = Wireless speakers are late: with a wired one you hear answers sooner.
demo-place = Demo
local-server = Local server
own-server = Own server
nothing-is-sent = Nothing is sent: { $fault }
correct-the-file = Correct the file: the program connects as soon as it is saved. Or start with --demo or --endpoint, which override it.
not-kept-any-more = This conversation is not kept any more.
unheard-unplayable = the service sent sound of the type { $mime }, which cannot be played
unheard-broken-off = the service broke its answer off before anything was heard
unheard-near-silent = the service sent a sound that is too faint to be heard
unheard-text-only = the service wrote its answer and did not speak it
unheard-tool = the service wanted a tool that this program does not have, and said nothing
unheard-nothing = the service ended the turn without an answer
ask-again-or-take-another-model = Ask again; if it happens again, take another model (`live.model` in the profile).
read-it-in-the-conversation = Read it in the conversation.
ask-again-or-in-other-words = Ask again, or say it in other words.
ended-rejected = the service rejected its own answer
ended-input-refused = the service does not answer what was said, by its rules for content
ended-output-refused = the service kept its answer back, by its rules for content
ended-malformed-call = the service tried to use a tool in a way that does not work
ended-needs-more = the service waits for you to say more
say-it-in-other-words = Say it in other words.
go-on-speaking = Go on speaking.
nothing-is-kept-until-corrected = Nothing is kept, and earlier conversations are not shown, until the configuration file is corrected.
ask-again-sentence = Ask again.

## ui/diagnostics and ui/sent

diagnostics = Diagnostics
the-report-holds-no = The report holds versions, devices and figures: no key, no sound, nothing that was said.
microphone-released-while-muted = You are muted: the microphone is released.
n-samples-lost =
    { $n ->
        [0] nothing lost
       *[other] { $n } samples lost
    }
n-gaps =
    { $n ->
        [0] no gaps
        [one] { $n } gap
       *[other] { $n } gaps
    }
blocks-of = {" "}· blocks of { $time }
change-the-key = Change
alerts-heading = Alerts
no-alert-is-raised = There is none.
none-in-use = None is in use.
connection-in-words = { $place }: { $state } · round trip { $trip } · { $lost } lost on the way
sent-since-the-start = Sent since the start
sent-and-cost = Sent, and what it cost
free-the-demo-sends-nothing = Free: the demo sends nothing
the-demo-costs-nothing-what = The demo answers inside this program. Once you have entered a key, this row says what was sent to the service and what it cost.
sent-today = Sent today
bytes-sound-tokens-cost = { $bytes } · { $sound } of sound · { $tokens } tokens · { $cost }
what-sent-means = Bytes and sound that went to the service, tokens that it counted both ways, and what they cost as far as prices are known. The bill is the service's.

## newer_version

a-newer-version-is-there = Version { $version } was published; this is { $this }. It is at { $page }
the-releases-answer-with = the server of the releases answers with HTTP { $status }
the-releases-do-not-answer = the server of the releases does not answer
the-list-of-releases-is-not-signed = the list of releases does not have the signature that this program knows
the-list-of-releases-names-no-version = the list of releases names no version

## ui/settings_search: everyday words, by which a setting is found; they are not shown
search-for-about = version licence license copyright author
search-for-set-up = setup wizard introduction tutorial first run start over help
search-for-check = test try microphone speaker echo headset noise
search-for-key = api key token password login log in sign in account remove enter change google gemini
search-for-sent = privacy data sent upload cloud server google listening spying secret
search-for-delete = delete erase remove clear history all conversations forget everything data
search-for-removal = uninstall erase wipe everything all data reset factory privacy
search-for-files = folder directory path location where stored
search-for-report = bug problem help support error log feedback
search-for-profile = mode speed quality fast slow faster
search-for-input_device = mic input recording headset sound card
search-for-output_device = loudspeaker output headphones headset earphones sound card
search-for-endpoint = server url address host proxy google
search-for-detection = end of speech detect silence automatic manual
search-for-echo_cancellation = echo feedback speakers hears itself
search-for-voice = voices speaker male female accent woman man
search-for-languages = language speak german english french spanish translate transcription
search-for-talk_key = push to talk hold space bar hotkey shortcut button
search-for-global_key = global hotkey shortcut everywhere background other program push to talk mouse button
search-for-media_keys = play pause headset earphones bluetooth button multimedia keyboard player mpris
search-for-release_delay_ms = push to talk space bar delay after release
search-for-voice_activation = hands free listen automatically push to talk
search-for-volume = louder quieter loud quiet sound level
search-for-lower_other_sound = ducking quieter music video background lower volume other apps programs attenuate
search-for-keep = save store history delete days record retention
search-for-keep_audio = save record recording audio sound store
search-for-state = save directory path location storage log
search-for-newer_versions = update updates upgrade release version
search-for-alert_webhook = webhook notification notify message email
search-for-panel = numbers statistics latency delay speed graph chart
search-for-keep_muted = mute microphone off start
search-for-theme = dark light mode night theme colors color appearance
search-for-language = language german english translate interface menu
search-for-high_contrast = contrast accessibility see readable colours vision
search-for-reduced_motion = animation moving accessibility
search-for-renderer = graphics opengl gpu card driver flicker black empty slow
search-for-zoom_percent = text size font size bigger smaller larger big small letters scale tiny reading
search-for-monitor = prometheus metrics api remote port
search-for-price_usd_per_million = costs money dollars pay bill
search-for-spend_limit_usd = cost costs money dollars budget price pay bill expensive maximum much
search-for-label = rename title
search-for-description = about purpose
search-for-target_ms = goal latency speed fast
search-for-period_frames = latency crackle stutter block period
search-for-resampler_taps = sample rate quality
search-for-prebuffer_ms = stutter choppy crackle gaps buffering
search-for-preroll_ms = first word missing syllable beginning
search-for-noise_suppression = background noise fan hum filter keyboard typing
search-for-gain_control = quiet loud automatic gain level boost microphone
search-for-detector = voice activity sensitivity vad noise hear
search-for-patience_ms = cut cuts cutting me off interrupts too early too fast wait longer silence finish interrupting think thinking
search-for-eager_endpoint = fast faster speed latency quick
search-for-eager_waste_percent = waste discarded tokens money
search-for-adaptive_patience = pauses learn adapt wait slow speaker
search-for-hold_pauses = data traffic silence save
search-for-barge_in = interrupt barge in stop talking over
search-for-backchannel_ms = cough noise uh huh yes
search-for-turn-automatic = sensitivity server detection silence
search-for-model = gemini version ai
search-for-vocabulary = dictionary spelling words misheard pronunciation
search-for-temperature = creative creativity random
search-for-thinking = reason think slow clever
search-for-instruction = prompt personality role system behaviour behavior
search-for-answer_length = short shorter long longer brief answers talk less wordy
search-for-reply_transcript = text subtitles transcript captions read
search-for-google_search = internet google online news
search-for-reply_deadline_ms = timeout slow wait
search-for-compress_at_tokens = memory context history
search-for-compress_to_tokens = memory context history
search-for-auto = automatic switch battery
search-for-alerts = warning alarm notify limit

## server
demo-you-spoke = You spoke for { $seconds } seconds.
demo-you-were-silent = { $seconds } seconds of silence
demo-own-voice = Your own voice, { $seconds } seconds.
demo-you-wrote = You wrote: “{ $text }”. Say something, and I will say it back.

## ui/limited_text
characters-left-out = { $left_out } of what was pasted were left out: { $holds } fit here.

# The talk key in any window
allowed-is-a-chord = allowed is a key such as F9 or Ctrl+Alt+Space, or a button of the mouse such as Mouse8
chord-empty = names no key
chord-no-key = names no key: `{ $text }`
chord-no-key-like = names no key: `{ $text }` (`{ $name }` is one)
chord-no-modifier = has `{ $part }` where Ctrl, Alt, Shift or Super belong
chord-only-modifiers = names only keys to hold; add one to press
chord-needs-modifier = would take `{ $name }` away from all programs; put Ctrl, Alt or Super before it
chord-is-wheel = names Mouse{ $button }, which is the wheel; the buttons at the side are Mouse8 and Mouse9
chord-no-button = names a button that there is not; they are Mouse1 to Mouse{ $last }
global-key-description = Talk to the assistant
global-key-works = Works in any window.
global-key-works-called = Works in any window. The desktop calls it "{ $called }".
global-key-asking = The desktop is asked for this key.
global-key-try = Try again
global-key-problem = The talk key does not work in other windows: { $why } { $hint }
global-key-no-display = there is no display.
global-key-display-lost = the display does not answer ({ $error }).
global-key-taken = another program has taken { $chord }.
global-key-not-on-this-keyboard = this keyboard has no { $chord }.
global-key-no-mouse = this desktop gives programs keys only, no buttons of the mouse.
global-key-no-bus = the desktop cannot be asked: its message bus does not answer ({ $error }).
global-key-no-portal = this desktop gives programs no keys for all windows.
global-key-silent = the desktop did not answer in time.
global-key-refused = the desktop, or you, refused it.
global-key-ended = the desktop has ended it.
global-key-gone = the part of the desktop that gives keys has ended.
global-key-fault = the desktop answered with a fault ({ $error }).
global-key-not-on-this-system = Sovereign cannot take keys on this system yet.
global-key-choose-another = Choose another key (Settings, Talking).
global-key-try-again = Try again (Settings, Talking).
global-key-bind-commands = In the settings of the desktop, bind keys to `sovereign press` and `sovereign release`, or one to `sovereign toggle`.
global-key-use-the-window = Use the key in the window.

# The sound of other programs
other-sound-unreachable = Other programs do not become quieter: no PulseAudio and no PipeWire (with pipewire-pulse) answers. Start one of them, or switch this off under Settings, Sound.
other-sound-not-started = Other programs do not become quieter: the process that does it does not start ({ $error }). Close other programs, or switch this off under Settings, Sound.

## desktop: start, tray, lock
start-with-desktop = Start with the desktop
start-with-desktop-about = At login, with its window hidden: the icon in the tray shows it, and so does starting Sovereign again.
autostart-was-not-changed = Whether Sovereign starts with the desktop was not changed: { $problem }
no-icon-in-the-tray = There is no icon in the tray now, so closing the window ends Sovereign. { $why }
tray-heading = Icon in the tray
tray-asking = The desktop is asked to show it.
tray-shown = The desktop shows it.
tray-none = This desktop has no tray. KDE Plasma, Xfce and Cinnamon have one, GNOME with the extension AppIndicator.
tray-no-bus = The desktop cannot be asked: its message bus does not answer ({ $error }).
tray-silent = The desktop did not answer in time.
tray-fault = The desktop answered with a fault ({ $error }).
muted-while-locked = You were muted while the screen was locked. “Mute while the screen is locked” in the Settings, Talking, changes that.
tray-show-window = Show the window
tray-hide-window = Hide the window
tray-mute = Mute
tray-stop = Stop the reply
tray-profile = Profile
tray-quit = Quit
media-keys-work = The desktop knows Sovereign as a player, and gives these keys to the player that was used last.
media-keys-problem = These keys do not reach Sovereign, which tries again every half minute. { $why }
media-keys-bus-gone = The message bus of the desktop has ended.
search-for-autostart = startup autostart login boot background hidden automatically launch
search-for-tray = systray indicator status icon background
search-for-close_to_tray = minimize close background hide quit exit
search-for-mute_when_locked = privacy lock screen away microphone off listening
