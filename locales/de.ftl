# What the window says, in German.

## ui/api_key_page

back = Zurück
your-key-for-gemini = Dein Schlüssel für Gemini
key = Schlüssel
hide-the-key = Schlüssel verbergen
show-the-key = Schlüssel zeigen
paste-your-key-here = Schlüssel hier einfügen
save-and-connect = Speichern und verbinden
get-a-key-at-google = Schlüssel bei Google AI Studio holen
the-key-was-refused = Der Schlüssel wurde abgelehnt
remove-key = Schlüssel entfernen

## ui/api_key_state

wants-a-key-and-there = { $host } verlangt einen Schlüssel, und es gibt keinen: { $why }
there-is-no-key-yet = Es gibt noch keinen Schlüssel: Die Demo antwortet.
there-is-no-key-is = Es gibt keinen Schlüssel: { $host } wird ohne gefragt.
is-not-used-now-the = { $named } wird gerade nicht verwendet: Die Demo antwortet.
is-not-sent-to-a = { $named } wird nicht an { $host } gesendet: Ein gespeicherter Schlüssel geht an Google oder an die Adresse des Dienstes in Einstellungen, Schlüssel und Konto.
was-not-taken-by = { $named } wurde von { $host } nicht angenommen: { $why }
key-in-use-with-host = { $named } wird bei { $host } verwendet.
was-not-checked-yet-there = { $named } ist noch nicht geprüft: Es gibt keine Verbindung zu { $host }.
sent-to-google-alone = nur an Google gesendet
key-sent-to-host-alone = nur an { $host } gesendet
not-sent-to-name-that = nicht an { $host } gesendet: Mach ihn zur Adresse des Dienstes in Einstellungen, Schlüssel und Konto, wenn er den Schlüssel bekommen soll
at-the-next-start-goes = {""} Beim nächsten Start hat { $source } wieder Vorrang.
a-key-that-you-enter = Ein Schlüssel, den du eingibst, wird in { $file } aufbewahrt; nur du kannst diese Datei lesen. Er wird { $to }.{ $then }
from-the-environment-variable = aus der Umgebungsvariablen { $source }
key-from = aus { $source }
key-in-place = Der Schlüssel { $place }
the-key-which-ends-in = Der Schlüssel { $place }, der auf { $ending } endet,
google = Google

## ui/app

it-failed-repeatedly-because-of = Es ist wegen eines Fehlers in diesem Programm mehrmals ausgefallen. Das Gespräch läuft weiter: Du kannst sprechen und hören. Bitte melde den Fehler.
the-window-cannot-be-drawn = Das Fenster kann nicht dargestellt werden
try-again = Noch einmal versuchen
quit = Beenden
the-window = Das Fenster
sovereign-demo = Sovereign – DEMO
sovereign = Sovereign

## ui/audio_settings

auto = Auto
echo-cancellation-auto = Echounterdrückung: automatisch
on = Ein
echo-cancellation-on = Echounterdrückung: ein
off = Aus
echo-cancellation-off = Echounterdrückung: aus
echo-of-the-reply = Echo der Antwort
hold = Halten
talk-key-hold = Sprechtaste: halten
the-microphone-is-open-while = Das Mikrofon ist offen, solange die Leertaste gedrückt ist.
tap = Tippen
talk-key-tap = Sprechtaste: tippen
one-press-of-space-opens = Einmal Leertaste öffnet das Mikrofon, noch einmal schließt es.
talk-key = Sprechtaste
speech-opens-the-microphone = Sprechen öffnet das Mikrofon
off-only-the-talk-key = Aus: Nur die Sprechtaste öffnet es, und solange sie nicht gedrückt ist, wird nichts gesendet.
it-closes-after = Es schließt nach
how-long-the-microphone-stays = So lange bleibt das Mikrofon nach dem Loslassen der Taste offen.

## ui/banners

show-less = Weniger zeigen
show-one-only = Nur eine zeigen
banners-more = { $more } weitere
begin-a-new-conversation = Neues Gespräch beginnen?
this-one-is-not-kept = Dieses wird nicht aufbewahrt: Seine Worte sind dann weg.
begin = Beginnen
go-on-with-this = Hierbleiben
retry-now = Verbinden
enter-another-key = Anderer Schlüssel
spend-limit-reached = Ausgabengrenze erreicht
opens-the-microphone-until-the = Öffnet das Mikrofon, bis der gleiche Betrag noch einmal ausgegeben ist.
go-on = Fortfahren
no-microphone = Kein Mikrofon
choose-a-microphone = Mikrofon wählen
answers-are-shown-as-text = { $trouble } Antworten erscheinen so lange als Text.
no-speaker = Kein Lautsprecher
choose-a-speaker = Lautsprecher wählen
note = Hinweis
warning = Warnung
error = Fehler
dismiss = Schließen
this-is-the-demo = Das ist die Demo
say-something-and-youll-hear = Sag etwas, und du hörst deine eigene Stimme. Nichts davon wird gesendet.
connect-to-gemini = Mit Gemini verbinden …

## ui/caption

copy = Kopieren
copy-the-whole-conversation = Ganzes Gespräch kopieren
change-what-i-said-and-send = Meine Worte ändern und erneut senden
spoken-not-written-down-stopped = Gesprochen, nicht mitgeschrieben – von dir gestoppt
spoken-not-written-down = Gesprochen, nicht mitgeschrieben
stopped-by-you = {""} – von dir gestoppt
cut-off-asked-for-again = {""} – abgebrochen, wird noch einmal erfragt
not-sent = {""} – nicht gesendet
not-spoken = {""} – nicht gesprochen
what-you-said = deine Worte
what-assistant-said = Antwort ({ $name })
now = jetzt
copy-whose = Kopieren: { $whose }
puts-these-words-into-the = Setzt diese Worte unten ins Feld: Dort kannst du sie ändern und erneut senden.
change-what-i-said = Meine Worte ändern
target-ms = {""} Ziel: { $target } ms.
from-the-end-of-your = Vom Ende deines Beitrags bis zum ersten Ton der Antwort: { $sum }.{ $total }{ $target }

## ui/captions

say-it = Vorlesen
latest = Neuestes
jump-to-the-latest = Zum Neuesten springen
new-words-came-below-end = Unten ist Neues dazugekommen (Ende)
the-beginning-of-this-conversation = Der Anfang dieses Gesprächs fehlt ({ $count }): Es wurde zu lang für den Arbeitsspeicher.
a-sample-question-is-spoken = Stattdessen wird eine Beispielfrage gesprochen. Tippe unten oder schließe ein Mikrofon an und starte Sovereign neu.
there-is-no-microphone = Es gibt kein Mikrofon
as-soon-as-one-is = Sobald eines da ist, kannst du sprechen; bis dahin kannst du tippen. Ein Neustart ist nicht nötig.
not-connected = Nicht verbunden
your-conversation-will-appear-here = Hier erscheint dein Gespräch.
the-spend-limit-is-reached = Die Ausgabengrenze ist erreicht
nothing-is-heard-until-you = Du wirst erst wieder gehört, wenn du „Fortfahren“ wählst.
you-are-muted = Du bist stummgeschaltet
press-the-microphone-below-ctrl = Drücke unten auf das Mikrofon (Strg M) und sag etwas oder tippe.
say-something = Sag etwas
sent-as-soon-as-there = {""} – wird gesendet, sobald es eine Verbindung gibt
what-you-said-is-sent = Was du gesagt hast, wird gesendet, sobald es eine Verbindung gibt.
sent-again-as-soon-as = {""} – wird erneut gesendet, sobald es eine Verbindung gibt

## counts

n-characters = { $n ->
        [one] { $n } Zeichen
       *[other] { $n } Zeichen
    }
n-settings = { $n ->
        [one] { $n } Einstellung
       *[other] { $n } Einstellungen
    }
n-alerts = { $n ->
        [one] { $n } Warnung
       *[other] { $n } Warnungen
    }
n-days = { $n ->
        [one] { $n } Tag
       *[other] { $n } Tage
    }
n-turns = { $n ->
        [one] { $n } Runde
       *[other] { $n } Runden
    }
n-captions = { $n ->
        [one] { $n } Eintrag
       *[other] { $n } Einträge
    }
n-found = { $n } gefunden

## ui/check_page

check-the-sound = Ton prüfen
it-listens-to-the-room = Sovereign hört auf den Raum, auf dich und auf einen kurzen Ton aus dem Lautsprecher und sagt, was besser sein könnte. Nichts davon verlässt diesen Computer.
microphone = Mikrofon
speaker = Lautsprecher
start = Starten
start-without-speaking = Ohne Sprechen starten
cancel = Abbrechen
done = Fertig
again = Noch einmal
could-be-better = könnte besser sein
does-not-work = funktioniert nicht

## ui/connection_figures

none-yet = noch keine
connections-planned = { $all } · { $planned } geplant
round-trip-of-the-connection = Laufzeit der Verbindung hin und zurück, wie das System sie misst.
how-much-the-round-trips-differ = Wie stark die Umlaufzeiten voneinander abweichen: ihre mittlere Abweichung, wie das System sie misst.
how-much-of-what-was-sent = Wie viel von dem, was in den letzten fünf Minuten gesendet wurde, verloren ging und noch einmal gesendet werden musste. Ein Strich, bis hundert Pakete gesendet sind.
what-the-last-connection-took = So lange dauerte der letzte Verbindungsaufbau, vom ersten Paket, bis der Dienst bereit war.
connections = Verbindungen
connections-since-the-start-planned = Verbindungen seit dem Start. Geplante ersetzen eine andere, bevor der Dienst sie beendet: Davon ist nichts zu hören.
share-of-answers = { $share } · { $on_target } von { $n }
within-the-target = Im Ziel
answers-that-you-heard-no = Antworten, die du nicht später gehört hast, als das Ziel des damals verwendeten Profils verlangt.
available = Verfügbar
the-share-of-the-time = Der Anteil der Zeit mit Verbindung, während das Programm lief.
back-after = Wieder da nach
how-long-it-took-on = Wie lange es im Mittel dauerte, bis nach dem Verlust einer Verbindung wieder eine da war (mean time to recovery). Ein Strich, wenn keine verloren ging.
lost-every = Abbruch alle
how-long-a-connection-lasted = Wie lange eine Verbindung im Mittel hielt, bis sie verloren ging (mean time between failures). Geplante Wechsel zählen nicht. Ein Strich, wenn keine verloren ging.
mean-round-trip-of-the = Mittlere Umlaufzeit der Verbindung.
how-much-the-round-trips = Wie stark die Umlaufzeiten im Mittel voneinander abwichen.
how-much-of-what-was = Wie viel von dem Gesendeten verloren ging und noch einmal gesendet werden musste.
time-to-connect = Verbindungsaufbau
what-a-connection-took-on = So lange dauerte ein Verbindungsaufbau im Mittel, vom ersten Paket, bis der Dienst bereit war.
round-trip = Umlaufzeit
over-ms-every-answer-comes = Über { $value } ms: Jede Antwort kommt um so viel später. Ursache ist oft ein VPN, eine Mobilfunk- oder Satellitenleitung oder ein ferner Dienst.
over-ms-the-line-is = Über { $value } ms: Die Leitung schwankt, und Antworten können stocken. Ursache ist oft ein schwaches oder ausgelastetes WLAN.
lost-on-the-way = Unterwegs verloren
over-speech-arrives-in-fits = Über { $much_loss_percent } %: Sprache kommt stoßweise an. Das meiste geht im Funk verloren, weit weg vom WLAN-Router, oder auf einer vollen Leitung.
data-a-minute = Daten pro Minute
bytes-to-and-from-the = Bytes vom und zum Dienst je Minute mit Verbindung. Ein Profil wie „Wenig Daten“ hält sie gering.

## ui/conversations_list

without-words = Ohne Worte
typical-reply-after-ms = Antwort meist nach { $response } ms

## ui/conversations_page

search-conversations = Gespräche durchsuchen
conversations = Gespräche
to-the-conversation-from-conversations = Zum Gespräch (Esc, Strg H)
the-newest-are-shown-type = Die neuesten { $most_found } werden gezeigt. Tippe mehr, um andere zu finden.
the-service-will-know-nothing = Der Dienst weiß dann nichts vom jetzigen (Strg N)
new-conversation = Neues Gespräch
nothing-new-is-kept-keep = Neues wird nicht aufbewahrt (Einstellungen, Datenschutz)
kept-until-you-delete-it = Aufbewahrt, bis du sie löschst, nur auf diesem Computer
kept-for-on-this-computer = { $time } lang aufbewahrt, nur auf diesem Computer
search-what-was-said = Gesagtes suchen
today = Heute
n-7-days = 7 Tage
the-last-7-days = Die letzten 7 Tage
all = Alle
all-days = Alle Tage
all-profiles = Alle Profile
profile = Profil
with-problems = Probleme
only-conversations-in-which-an = Nur Gespräche, in denen eine Antwort fehlgeschlagen ist
no-conversation-holds-all-these = Kein Gespräch enthält alle diese Wörter. Versuch es mit weniger oder mit dem Anfang eines Wortes.
there-is-no-such-conversation = Ein solches Gespräch gibt es nicht.
nothing-found = Nichts gefunden
nothing-is-kept = Nichts wird aufbewahrt
write-keep-30d-into-config = Wähle in Einstellungen, Datenschutz, wie lange Gespräche aufbewahrt werden: Was von da an gesagt wird, findest du hier.
no-conversation-yet = Noch kein Gespräch
what-you-and-the-assistant = Hier findest du später, was du und der Assistent sagen.
show-all = Alle zeigen
delete-all-conversations-for-good = Alle Gespräche endgültig löschen? Das jetzige endet. Warnungen, Protokolle, Einstellungen und der Schlüssel bleiben.
keep-them = Behalten
n-1-conversation-found = 1 Gespräch gefunden
conversations-found = { $n } Gespräche gefunden
n-1-conversation = 1 Gespräch
conversations-counted = { $n } Gespräche
delete-all = Alle löschen

## ui/conversations_state

yesterday = Gestern
not-answered = {""} – nicht beantwortet
broken-off = {""} – abgebrochen
you = Du
assistant = Assistent

## ui/copy_button

versions-devices-and-figures-as = Versionen, Geräte und Messwerte als Text, ohne das Gesagte und ohne den Schlüssel
copy-report = Bericht kopieren
copied = Kopiert

## ui/details_page

to-the-conversation-esc-ctrl-d = Zum Gespräch (Esc, Strg D)
problems-and-fixes = Probleme und Abhilfe
the-newest-turns = Die neuesten Runden
connection = Verbindung
history = Verlauf
alerts-of-the-last-7 = Warnungen der letzten 7 Tage
profiles-and-models = Profile und Modelle
now-heading = Jetzt
writes-the-turns-of-this = Schreibt die Runden dieses Gesprächs und die letzten sieben Tage als Tabellen (CSV) in den Ordner des Programms
export-csv = CSV exportieren
about-ms = {""} · etwa { $costs } ms
turns-that-got-their-answer = Runden, die ihre Antwort bekamen, ohne die von dir selbst beendeten; { $whose } seit dem Start oder dem letzten Zurücksetzen.
captured-sound-that-waits-to = Aufgenommener Ton, der auf die Auswertung wartet, Nachrichten, die auf die Leitung warten, und Ton der Antwort, der auf seine Zeit wartet.
the-rate-of-the-newest = Wie dicht die neuesten zehn Runden aufeinander folgten.
tool-calls = Werkzeugaufrufe
functions-that-the-service-asked = Funktionen, die der Dienst angefordert hat.
tokens-cost = Tokens · Kosten
turns-of-this-profile-with = Runden dieses Profils mit diesem Modell seit dem Start: wie viele es waren, die mittlere Antwortzeit (Median) und was sie zusammen kosteten. Zurücksetzen ändert daran nichts.
cpu = CPU
percent-of-one-core-over = Prozent eines Kerns in der letzten Sekunde.
threads-of-this-program-and = Threads dieses Programms, und ob es immer mehr werden (festgestellt wie beim Speicher).
resident-memory-of-this-program = Belegter Arbeitsspeicher dieses Programms, und ob er wächst, ohne wieder zu schrumpfen (festgestellt am Anstieg über 45 Minuten; ein Strich, bis so viel bekannt ist).
this-computer = dieser Computer
load-of-all-processors-and = Last aller Prozessoren und belegter Arbeitsspeicher.
battery = Akku
how-full-it-is-on = Wie voll er ist. Im Akkubetrieb kann der Prozessor langsamer sein.
details = Details
details-1-alert = Details · 1 Warnung
details-with-alerts = Details · { $n } Warnungen

## ui/explain

capture = Aufnahme
the-microphone-and-its-buffers = Das Mikrofon und seine Puffer: aus der Luft bis in dieses Programm.
dsp = Tonverarbeitung
filters-change-of-the-sample = Filter: Abtastrate, Echo, Rauschen, Pegel.
endpoint = Ende deiner Rede
silence-until-it-was-decided = Stille, bis feststand, dass du fertig bist. Die Geduld des Profils bestimmt sie.
encode-and-queue = Packen und Senden
from-that-decision-to-the = Von dieser Entscheidung, bis das letzte Byte zum Dienst unterwegs ist.
network = Netzwerk
the-way-to-the-service = Der Weg zum Dienst und zurück: eine Umlaufzeit, wie das System sie misst.
service = Dienst
the-service-itself-from-your = Der Dienst selbst: von deinem letzten Byte bis zum ersten Ton seiner Antwort, ohne den Weg.
decode = Entpacken
from-the-first-sound-that = Vom ersten Ton, der ankam, bis zu Abtastwerten.
held = Zurückhalten
the-answer-was-there-before = Die Antwort war da, bevor die Geduld um war, und wartete.
buffer = Warten auf mehr
the-answer-waited-for-more = Die Antwort wartete auf ihre Fortsetzung, damit sie nicht stockt.
device = Gerät
the-speaker-and-its-buffers = Der Lautsprecher und seine Puffer: aus diesem Programm bis an dein Ohr.
no-problems-found = Keine Probleme gefunden.
a-cause-is-looked-for = Eine Ursache wird ab der dritten Runde gesucht.
the-newest-turns-show-no = Die neuesten Runden zeigen keine Ursache.
the-typical-response-is-ms = Die typische Antwortzeit ist { $typical } ms, das Ziel { $target }: { $found }
and = {""} und {""}
the-part-of-a-turn = Der Teil einer Runde, in dem die Ursache sitzt, und um wie viel später du eine Antwort ihretwegen etwa hörst: aus den Medianen deiner letzten zehn Runden mit diesem Profil und der jetzigen Umlaufzeit.
the-part-that-the-cause = Der Teil, in dem die Ursache sitzt. Was sie eine Runde kostet, lässt sich nicht in Millisekunden sagen.
counted-and-thought = { $counted }, davon gedacht { $thoughts }
model-and-tokens = { $model } · { $counted } Tokens
and-thought = , davon gedacht { $thoughts }
spent-of-allowed = { $spent } von { $allowed }
spent-conversation = Ausgaben, Gespräch
spent-since-the-start-of = Ausgaben seit dem Start des Programms und die Grenze aus Einstellungen, Schlüssel und Konto. An der Grenze schließt das Mikrofon.
spent-today = Ausgaben, heute
spent-today-with-all-programs = Heutige Ausgaben mit allen Programmen dieses Benutzers und die Grenze aus Einstellungen, Schlüssel und Konto. An der Grenze schließt das Mikrofon.
tokens-that-the-service-counted-and-their-cost = Tokens, die der Dienst gezählt hat, und ihre Kosten nach dem Preis aus Einstellungen, Schlüssel und Konto, da er gesetzt ist. Es gilt die Rechnung des Dienstes.
tokens-that-the-service-counted-and-their = Tokens, die der Dienst gezählt hat, und ihre Kosten nach dem veröffentlichten Preis dieses Modells für jede Art von Tokens. Gedanken und was ohne seine Art gezählt wird, gelten zum höchsten Preis: Die Kosten sind dann eine Obergrenze, „höchstens“. Ein anderer Preis lässt sich in Einstellungen, Schlüssel und Konto, setzen. Es gilt die Rechnung des Dienstes.
tokens-that-the-service-counted-and = Tokens, die der Dienst gezählt hat, und ihre Kosten, wo ein Preis bekannt ist. Die Demo berechnet nichts.
tokens-that-the-service-counted-what = Tokens, die der Dienst gezählt hat. Was sie kosten, ist nicht bekannt: Für dieses Modell ist kein Preis veröffentlicht. Setze ihn in Einstellungen, Schlüssel und Konto.
tokens-that-the-service-counted = Tokens, die der Dienst gezählt hat. Was sie kosten, ist nicht bekannt: Dieser Dienst ist nicht der von Google. Setze den Preis in Einstellungen, Schlüssel und Konto.
with-the-profiles-that-chooses = mit den Profilen von { $label }
with-this-profile = mit diesem Profil
part-of-all = { $part } von { $all } · { $percent } %
rate-a-minute = { $rate } pro Minute
ms-in-out-ms-reply = { $capture_queued } ms ein · { $outbox } aus · { $reply_queued } ms Antwort
grows-by-mb-an-hour = wächst um { $amount } MB pro Stunde
grows-by-an-hour = wächst um { $growth } pro Stunde
steady = gleichbleibend
load-and-memory = { $from } · Speicher { $memory_percent }
in-use = wird genutzt
charging-or-full = lädt oder ist voll
responses-of-the-last-turns = Antwortzeiten der letzten { $name }: { $response } Runden, die Hälfte binnen { $value }, 95 von 100 binnen { $p95 }
slower = langsamer
faster = schneller
the-service = der Dienst
the-network = das Netzwerk
today-than-yesterday = Heute { $percent } % { $how } als gestern: { $cause }.

## ui/find

not-found = Nicht gefunden
found-at-of = { $at } von { $n }

## ui/find_bar

find-in-this-conversation = Im Gespräch suchen
close-the-search-esc = Suche schließen (Esc)
next-shift-enter = Nächster Treffer (Umschalt Eingabe)
previous-enter = Voriger Treffer (Eingabe)

## ui/footer

more-about-the-conversation = Mehr zum Gespräch
nothing-is-kept-lower = nichts wird aufbewahrt
when-this-conversation-ends-its = Wenn dieses Gespräch endet, sind seine Worte weg, wie es in Einstellungen, Datenschutz, steht.
narrowband = schmalbandig
a-hands-free-microphone-over = Ein Freisprechmikrofon über Bluetooth überträgt höchstens die Hälfte des Frequenzbereichs der Stimme. Mit einem Mikrofon am Kabel oder dem dieses Computers wirst du besser verstanden.
whether-an-answer-stops-when = Ob eine laufende Antwort aufhört, wenn du sprichst, und warum. Esc und die Leertaste stoppen sie immer; „Durch Sprechen unterbrechen“ in den Profileinstellungen legt es von Hand fest.
microphone-released = Mikrofon freigegeben
no-microphone-lower = kein Mikrofon

## ui/format

d-h = { $hours } d { $rest } h
under-db = unter −{ $value } dB
checking-the-sound = Prüft den Ton
connecting-in = Verbindet in { $seconds } s
press-space-to-talk = Leertaste drücken
listening = Hört zu
hearing-you = Hört dich
finishing = Gleich fertig …
recording = Nimmt auf …
thinking = Denkt nach
listening-go-on-to-interrupt = Hört zu: weitersprechen
answering = Antwortet
repeating = Wiederholt
muted = Stumm
reconnecting-in = Verbindet neu in { $seconds } s
reconnecting-now = Verbindet neu
offline = Offline
connecting-now = Verbindet
press-enter-to-send-or = Eingabetaste sendet; zum Sprechen Esc, dann Leertaste
hold-space-and-speak = Leertaste halten und sprechen
press-space-then-speak = Leertaste drücken, dann sprechen
speak-whenever-you-like = Sprich, wann du magst
im-listening = Ich höre zu
the-microphone-closes-in-a = Das Mikrofon schließt gleich
speak-and-press-space-when = Sprich und drücke die Leertaste, wenn du fertig bist
speak-and-press-again-when = Sprich und drücke dann die Taste noch einmal
speak-and-let-go-when = Sprich und lass los, wenn du fertig bist
the-answer-is-on-its = Die Antwort ist unterwegs
go-on-to-interrupt = Sprich weiter, um zu unterbrechen
the-last-answer-again-press = Noch einmal die letzte Antwort. Esc stoppt sie
speak-to-interrupt-or-press = Sprich, um zu unterbrechen, oder drücke Esc
press-esc-to-stop-the = Drücke Esc, um die Antwort zu stoppen
nothing-is-heard-until-you-choose = Du wirst erst wieder gehört, wenn du „Fortfahren“ wählst
reconnecting = Verbindet neu …
no-microphone-plug-one-in-and = Kein Mikrofon: Schließe eines an und starte neu
no-microphone-plug-one-in = Kein Mikrofon: Schließe eines an oder wähle eines unter „Ton“
the-demo = die Demo
the-local-server = der lokale Server
your-server = dein Server
gemini = Gemini
hold-to-talk-lower = zum Sprechen halten
hold-to-talk = Zum Sprechen halten
tap-to-talk-lower = zum Sprechen tippen
tap-to-talk = Zum Sprechen tippen
tap-to-end-lower = zum Beenden tippen
tap-to-end = Zum Beenden tippen
your-conversation-will-appear-here-just = Hier erscheint dein Gespräch. Sprich einfach oder halte dabei die Leertaste; mit / tippst du, und Esc stoppt eine Antwort.
your-conversation-will-appear-here-tap = Hier erscheint dein Gespräch. Tippe zum Sprechen auf die Leertaste und zum Beenden noch einmal; mit / tippst du, und Esc stoppt eine Antwort.
closed-early-at = geschlossen nach { $silence }
not-closed-early = nicht früher geschlossen
early-close-off-nothing-to = frühes Schließen aus: brächte nichts
early-close-off-your-pauses = frühes Schließen aus: deine Pausen sind zu lang
early-close-off-eager-waste = frühes Schließen aus: eager_waste_percent ist unter 9
early-close-off-it-did = frühes Schließen aus: es lohnte sich in den letzten 20 Runden nicht
patience-and-close = Geduld { $patience }, { $close }
patience-that-follows = Geduld { $patience } (eingestellt: { $set } ms; sie folgt deinen Pausen), { $close }
patience-follows-your-pauses = Geduld ist die Stille, die deinen Beitrag beendet. Eingestellt sind { $set } ms; sie hat aus deinen Pausen gelernt und beträgt jetzt { $now } ms: mindestens die Hälfte des Eingestellten, höchstens das Doppelte. „Meinen Pausen folgen“ in den Profileinstellungen schaltet das aus. {""}
in-few-tokens = {""} ({ $few } Tokens)
in-thousands-of-tokens = {""} ({ $amount } Tsd. Tokens)
closed-too-early = {""} · { $vain } zu früh geschlossen{ $tokens }
now-it-is-off-the-profile = Jetzt ist es aus: Das Profil will es so, oder der Dienst erkennt das Ende deiner Beiträge selbst. {""}
now-it-is-off-the = Jetzt ist es aus: Der Dienst antwortet so bald, dass nichts gewonnen wäre. {""}
now-it-is-off-you = Jetzt ist es aus: Du sprichst oft nach Pausen weiter, die so lang sind wie die Geduld. Es kommt von selbst wieder, wenn du weniger Pausen machst. {""}
now-it-is-off-eager = Jetzt ist es aus: `eager_waste_percent` ist unter 9; das reicht nicht für eine verworfene Antwort in 20 Runden. {""}
now-it-is-off-in = Jetzt ist es aus: In den letzten 20 Runden haben verworfene Antworten alle Tokens verbraucht, die das Profil erlaubt. Nach einigen Runden kommt es von selbst wieder. {""}
a-turn-is-closed-towards = Dein Beitrag wird dem Dienst früh als beendet gemeldet, und die Antwort wird zurückgehalten, bis du so lange geschwiegen hast, wie es die Geduld verlangt. Sprichst du weiter, wird die Antwort ungehört verworfen: zu früh geschlossen. { $now }In der Datei des Profils begrenzt `eager_waste_percent` unter `turn:`, was das kosten darf, und `eager_endpoint: off` schaltet es ab.
be-quiet = Bitte Ruhe
measuring-background-noise = Das Hintergrundgeräusch wird gemessen …
say-a-sentence = Sag einen Satz
speak-as-you-would-to = Sprich, wie du mit dem Assistenten sprechen würdest.
a-sound-from-the-speaker = Ein Ton aus dem Lautsprecher
the-microphone-listens-for-it = Das Mikrofon hört darauf. Bitte noch einmal Ruhe.
something-does-not-work = Etwas funktioniert nicht
works-with-room-to-improve = Funktioniert, könnte aber besser sein
everything-works = Alles funktioniert
connecting = verbindet
connecting-attempt = verbindet, Versuch { $attempt }
connected = verbunden
connected-minutes = verbunden seit { $minutes } min
connected-hours = verbunden seit { $minutes } h { $rest } min
not-connected-lower = nicht verbunden
nothing-leaves-this-computer = nichts verlässt diesen Computer
muted-no-audio-leaves-this = stumm: kein Ton verlässt diesen Computer
spend-limit-reached-no-audio = Ausgabengrenze erreicht: kein Ton verlässt diesen Computer
not-connected-no-audio-leaves = kein Ton verlässt diesen Computer
no-microphone-no-audio-leaves = kein Mikrofon: kein Ton verlässt diesen Computer
audio-leaves-this-computer-only = Ton verlässt diesen Computer nur mit der Sprechtaste
audio-leaves-this-computer-while = Ton verlässt diesen Computer, während du sprichst
service-and-internet = Dienst und Internet
waiting-for-you-to-finish = Warten, bis du fertig bist
your-whole-wait = Warten im Ganzen
what-you-felt-from-your = Was du gespürt hast: von deinem letzten Wort bis zum ersten Ton der Antwort. Das sind die Stille, an der das Programm erkennt, dass du fertig bist, und die Antwortzeit.
with-that-silence-you-waited = {" "}Mit ihr hast du { $total } ms gewartet.
no-reply-yet = noch keine Antwort
sum-is-reply-time = { $parts } = Antwortzeit { $response }
more-characters-left = {""} … ({ $rest } weitere Zeichen)
without-a-name = (ohne Namen)

## ui/header

profile-is = Profil: { $name }
saving-power = spart Strom
on-battery-longer-periods-of = Im Akkubetrieb: längere Perioden der Tongeräte, keine Rauschunterdrückung, kein Pegelausgleich, weniger Bilder dieses Fensters. In der Datei des Profils lässt es sich abschalten.
auto-uses = „Automatisch“ nutzt { $why }
auto-uses-changes-of-profile =
    „Automatisch“ nutzt { $why }

    Profilwechsel, seit „Automatisch“ gewählt wurde: { $changes }. Ein Profil wird gewechselt, wenn das die Antwortzeiten nach den letzten Runden dem Ziel um mehr näher bringt, als die Qualität wert ist; ein ausgelasteter Prozessor oder voller Arbeitsspeicher geht vor.
demo = DEMO
demo-offline = DEMO, offline
a-server-inside-this-program = Ein Server in diesem Programm antwortet mit deiner eigenen Stimme. Nichts verlässt diesen Computer.
settings-ctrl = Einstellungen (Strg ,)
conversations-ctrl-h = Gespräche (Strg H)
a-small-window-ctrl-t = Ein kleines Fenster vor anderen (Strg T)
the-whole-window-ctrl-t = Das ganze Fenster (Strg T)
sound = Ton
target-of-the-response-ms =
    { $description }
    Ziel der Antwortzeit: { $target } ms.{ $profile }

## ui/history

the-last-in-columns = Zeitraum { $name }, in { $columns } Spalten.
the-typical-response-of-today = Die typische Antwortzeit von heute und von gestern, und was den größten Unterschied macht: der Dienst selbst, der Weg zu ihm oder dieser Computer. Es wird ab zehn Runden am Tag gesagt, wenn der Unterschied über 10 % ist.
median-and-up-to-p95 = typische Antwortzeit, und bis zu der von 95 aus 100
scale-to-seconds = Skala { $most } s
a-column-without-turns-is = { $words }. Eine Spalte ohne Runden ist leer; die gestrichelte Linie ist das Ziel.
throughput-of-the-last-sent = Daten der letzten { $name }: { $bytes_sent } gesendet, { $bytes_received } empfangen
scale-to-a-minute = Skala { $most } pro Minute
throughput-sent-and-on-top = Daten: gesendet, darüber empfangen
no-connection-was-lost = keine Verbindung ging verloren
a-connection-was-lost = eine Verbindung ging verloren
connections-were-lost = { $n } Verbindungen gingen verloren
no-turn = keine Runde
errors-of-the-last-without = Fehler der letzten { $name }: { $unanswered } ohne Antwort, { $lost }
scale-to = Skala { $most }
errors-without-an-answer-a = Fehler: ohne Antwort; ein Kreuz: Verbindung verloren
histogram-of-responses-median-p95 = Wie lange { $all } Antworten brauchten: die Hälfte höchstens { $median }, 95 von 100 höchstens { $p95 }, { $slower } länger als eine Sekunde
sample-size = { $all } Antworten
n-20-ms-a-bin-up = wie viele Antworten wie lange brauchten, bis 1 s
the-lines-are-median-and = { $name }. Die Linien stehen bei der Hälfte und bei 95 von 100; was länger als eine Sekunde dauert, steht in der letzten Säule.
p50-p95-n = Hälfte bis { $median } · 95 von 100 bis { $p95 }{ $p99 } · { $n } Antworten
n-99-within = {""} · 99 von 100 bis { $p99 }
half-95-of-100-and = Die Hälfte, 95 von 100 und ab hundert Runden 99 von 100 Antworten kamen nicht später. Der Verlauf behält je drei Ziffern: Er kann eine Millisekunde mehr angeben als die Übersicht.
turns-that-got-their-answer-without = Runden, die ihre Antwort bekamen, ohne die von dir selbst beendeten.
answers-that-you-interrupted = Antworten, die du unterbrochen hast.
turns-that-you-went-on = Runden, in denen du binnen einer Sekunde weitergesprochen hast: Die Geduld war zu kurz.
times-that-an-answer-ran = Wie oft einer Antwort vor ihrem Ende der Ton ausging.
tokens-that-the-service-counted-and-the = Tokens, die der Dienst gezählt hat, und die Kosten derer, deren Preis damals bekannt war; „höchstens“, wo es eine Obergrenze ist. Es gilt die Rechnung des Dienstes.
mean-processor-time-of-this = Mittlere Prozessorzeit dieses Programms.
memory-at-most = Speicher, höchstens
largest-resident-memory-of-this = Größter belegter Arbeitsspeicher dieses Programms.
threads-at-most = Threads, höchstens
most-threads-of-this-program = Die meisten Threads dieses Programms zur gleichen Zeit.
sent-received = Gesendet · empfangen
bytes-to-and-from-the-service = Bytes zum und vom Dienst.
cut-offs = Ins Wort gefallen

## ui/latency_panel

reply-time = Antwortzeit
from-the-end-of-your-turn = Vom Ende deines Beitrags (dein letztes Wort und die Stille, die ihn beendet) bis zum ersten Ton der Antwort. Diese Stille ist nicht dabei: Wie lange du im Ganzen gewartet hast, steht getrennt.
ms = ms
typical-of = typisch { $p50 }
half-of-the-replies-were = Die Hälfte der Antworten kam nicht später, in Millisekunden.
slowest-percent-5 = langsamste 5 % { $p95 }
n-95-of-100-replies-were = 95 von 100 Antworten kamen nicht später, in Millisekunden.
slowest-percent-1 = langsamstes 1 % { $p99 }
n-99-of-100-replies-were = 99 von 100 Antworten kamen nicht später, in Millisekunden (p99).
n-1-reply = 1 Antwort
replies-counted = { $n } Antworten
turns-with-a-reply-that = Runden mit einer gehörten Antwort, { $whose } seit dem Start oder dem letzten Zurücksetzen.
from-the-decision-that-you = Von der Entscheidung, dass du fertig bist, bis das letzte Byte unterwegs ist.
from-there-to-the-first-sound = Von da bis zum ersten Ton der Antwort, der hier ankam.
from-there-to-the-first = Von da bis zum ersten Ton aus dem Lautsprecher.
silence-after-your-last-word = Stille nach deinem letzten Wort, bis klar war, dass du fertig bist. Nicht in der Antwortzeit; das Profil bestimmt sie.
of-cores = {""} (von { $n })
percent-of-one-core-over-the = Prozent eines Kerns{ $cores } in der letzten Sekunde; darunter die letzte Minute.
memory = Speicher
resident-memory-of-this-program-shared = Belegter Arbeitsspeicher dieses Programms samt gemeinsamen Bibliotheken; darunter die letzte Minute.
cut-off-of-spoken = { $cut_off } von { $spoken }
tokens = Tokens
bytes-sent-to-the-service = Bytes, die seit dem Start an den Dienst{ $where } gingen, und die Tokens, die er { $whose } gezählt hat.
which-is-on-this-computer = {""} auf diesem Computer
sound-lost-here = Hier verlorener Ton
samples-of-the-microphone-that = Abtastwerte des Mikrofons, die verloren gingen, weil dieser Computer ausgelastet war.
interrupted-you = Dir ins Wort gefallen
turns-that-were-ended-although = Runden, die beendet wurden, obwohl du binnen einer Sekunde weitergesprochen hast: Die Stille, die einen Beitrag beendet, war zu kurz.
you-interrupted = Von dir unterbrochen
gaps-in-sound = Lücken im Ton
times-that-the-sound-of = Wie oft der Ton einer Antwort nicht rechtzeitig ankam.
sent-on-this-computer = Lokal gesendet
sent = Gesendet
likely-causes-turns-stage-by = Wahrscheinliche Ursachen, Runden Schritt für Schritt, Stunden und Tage (Strg D)
reset = Zurücksetzen
reset-statistics-ctrl-r = Statistik zurücksetzen (Strg R)
more = Mehr
parts-and-counts-f12 = Teile und Zählungen (F12)
close-the-panel = Übersicht schließen
reset-to-zero = Auf null

## ui/opened_conversation

to-the-list-esc = Zur Liste (Esc)
time-to-day-and-time = { $begun } bis { $date }, { $to }
time-to-time = { $begun } bis { $to }
delete-this-conversation-for-good-it = Dieses Gespräch endgültig löschen? Es ist das jetzige und endet damit.
delete-this-conversation-for-good = Dieses Gespräch endgültig löschen?
keep-it = Behalten
back-to-this-conversation = Zurück zu diesem Gespräch
continue-this-conversation = Dieses Gespräch weiterführen
the-words-of-both-sides = Die Worte beider Seiten als Text
delete = Löschen
text-markdown = Text (Markdown)
data-json = Daten (JSON)
sound-wav = Ton (WAV)
export = Exportieren …
writes-it-as-a-file = Schreibt es als Datei in deine Dokumente
no-words-of-this-conversation = Von diesem Gespräch sind keine Worte aufbewahrt.

## ui/overlay

reply-times-appear-here = Hier erscheinen Antwortzeiten
reply-time-spoken = Antwortzeit { $figure }, { $words }
spoken-cpu-memory = { $spoken }. CPU { $cpu_percent }, Speicher { $rss }
the-reply-time-is-the = { $explanation }Die Antwortzeit ist das Warten vom Ende deines Beitrags bis zum ersten Ton der Antwort. Die Stille nach deinem letzten Wort, an der das Programm erkennt, dass du fertig bist, ist nicht dabei.{ $total } Drücke hier für ihre Teile und ihren Verlauf (F12).
spoken-show-it = { $spoken }: zeigen
shows-the-reply-time-and = Zeigt die Antwortzeit und ihre Bewertung (F12)

## ui/past_alerts

there-was-none = Es gab keine.
show-the-newest-only = Nur die neuesten zeigen
show-all-of = Alle { $alerts } zeigen
how-bad-it-was-at = Wie schlimm sie höchstens war (schwer: um mehr als die Hälfte über der Grenze), wann sie begann und wie lange sie dauerte.
lasted-for = { $lasted } lang
not-over-yet = dauert noch an
its-end-is-not-known = Ende nicht bekannt
severity-warning = Warnung
severity-critical = schwer

## ui/plots

nothing-yet = noch nichts
responses-of-the-last-turns-target = Antwortzeiten der letzten { $responses } Runden, Ziel { $target_ms } ms
no-turns-yet = noch keine Runden
last-turn = letzte Runde
last-turns-counted = letzte { $n } Runden
target-of-ms = Ziel { $target_ms }
the-scale-ends-at-one = { $words }. Die Skala endet beim Anderthalbfachen des Ziels.

## ui/profile_editor

profile-in-use = Verwendetes Profil: { $label }
it-is-as-it-was = Es ist so, wie es mitgeliefert wurde. Was du hier änderst, steht in einer eigenen Datei von dir, die nur das enthält.
shipped-with-the-program-changed = Mit dem Programm geliefert; { $settings } von dir geändert.
your-own-it-starts-from = Dein eigenes. Grundlage ist { $base }; { $settings } davon abweichend.
a-profile-of-your-own = Ein eigenes Profil, das so anfängt wie dieses
duplicate = Duplizieren
show-all-settings = Alle Einstellungen zeigen
shows-those-too-that-are = Zeigt auch die, die wie mitgeliefert sind
compare-with-the-shipped-one = Mit dem mitgelieferten vergleichen
shows-only-what-differs-from = Zeigt nur, was vom mitgelieferten Profil abweicht
reset-to-shipped = Auf mitgeliefert zurücksetzen
nothing-differs-from-the-shipped = Nichts weicht vom mitgelieferten Profil ab.
take-all-your-changes-to = Alle deine Änderungen an { $label } endgültig zurücknehmen?
reset-it = Zurücksetzen
delete-the-profile-for-good = Das Profil { $label } endgültig löschen? Danach wird { $profile } verwendet.
delete-it = Löschen
name-of-the-copy = Name der Kopie
make-the-copy = Kopie anlegen

## ui/remedy_button

not-now-because = Geht gerade nicht, denn { $hindrance }.
change-row = Ändern: { $row }
leads-to-this-setting = Führt zu dieser Einstellung
use-profile = { $label } nutzen
connects-at-the-next-pause = Verbindet in der nächsten Pause
connect-anew = Neu verbinden
echo-automatic = Echo: automatisch
ask-again = Erneut fragen
send-now = Jetzt senden
use-model = { $model } nutzen
changes-to-this-profile-sound = Wechselt zu diesem Profil: der Ton sofort, was vom Dienst verlangt wird, in der nächsten Pause.
opens-another-connection-at-the = Öffnet in der nächsten Pause eine andere Verbindung; das Gespräch geht darin weiter.
leads-to-the-check-of = Führt zur Prüfung von Mikrofon, Lautsprecher und Echo. Sie beginnt, wenn du es dort sagst.
takes-replies-out-of-what = Nimmt Antworten nur dann aus dem, was das Mikrofon hört, wenn es sie hört.
sends-what-you-said-last = Sendet noch einmal, was du zuletzt gesagt hast.
sends-what-you-said-and = Sendet, was du gesagt hast, und spielt die Antwort ab.
writes-this-model-into-the = Schreibt dieses Modell in die Datei des Profils und ändert dort sonst nichts; es wird ab der nächsten Pause verwendet.
the-spend-limit-is-reached-lower = die Ausgabengrenze ist erreicht
what-you-said-is-not = was du gesagt hast, ist nicht mehr aufbewahrt, oder es läuft gerade etwas anderes
another-connection-is-opened-as = eine andere Verbindung wird geöffnet, sobald niemand spricht und keine Antwort erwartet wird
a-connection-is-being-opened = eine Verbindung wird gerade aufgebaut
there-is-no-connection-and = es gibt keine Verbindung, und ein neuer Versuch folgt von selbst
there-is-no-connection-retry = es gibt keine Verbindung; „Verbinden“ beim Gespräch versucht es noch einmal

## ui/setting_control

the-services-choice = Wie der Dienst wählt
hidden = Verborgen
reply-time-processor-memory = Antwortzeit, Prozessor, Speicher
everything = Alles
the-systems-choice-plain = Wie das System wählt
the-systems-choice = Wie das System wählt ({ $device })
keep-nothing = Nichts aufbewahren
until-i-delete-them = Bis ich sie lösche
as-the-profile-says-plain = Wie im Profil
as-the-profile-says = Wie im Profil ({ $value })
this-is-no-value = Das ist keine { $what }: { $allowed }.
whole-number = ganze Zahl
number = Zahl
or-none = {""} oder { $none }
range-from-to = { $from } bis { $to }{ $blank }{ $unit }{ $none }
webrtc = WebRTC

## ui/setting_row

profile-has-value =
    { $value } hat { $usual }. { $why }

    {""}
named-in-files = { $why }In Dateien: { $key }
one-is-set-and-not = Gesetzt, aber nicht gezeigt: Tippe hier etwas anderes ein
several-with-commas-between-them = Mehrere, durch Kommas getrennt
none = keine
nothing-is-set = Nichts gesetzt
applies-when = gilt { $words }
shipped-value = mitgeliefert: { $usual }
reset-row = Zurücksetzen: { $title }
as-shipped = Wie mitgeliefert
origin-file = Aus { $name }
chosen-now-not-in-the = Eben gewählt, noch nicht in der Datei
it-was-named-on-the = Es wurde auf der Befehlszeile genannt, die Vorrang vor der Datei hat, oder gilt, obwohl die Datei etwas anderes sagt.
given-at-the-start = Beim Start angegeben

## ui/settings_page

search-settings = Einstellungen durchsuchen
settings = Einstellungen
to-the-conversation-from-settings = Zum Gespräch (Esc, Strg ,)
search-a-word-of-the = Suchen: irgendein Wort, etwa lauter, Kosten, Schriftgröße
nothing-is-called-so-try = Nichts heißt so. Versuch es mit einem anderen Wort.
nothing-is-called-so-nearest = Nichts heißt so. Meinst du das?
go-there = Dorthin
go-to = Dorthin: { $title }
sections = Bereiche

## ui/settings_sections

set-up-again = Neu einrichten
is-it-good = Ist der Ton gut?
echo-cancellation = Echounterdrückung: { $why }
the-check-listens-to-the = Die Prüfung hört auf den Raum, auf dich und auf einen kurzen Ton aus dem Lautsprecher und sagt, was besser sein könnte.
what-leaves-this-computer = Was diesen Computer verlässt
nothing-the-demo-answers-inside = Nichts. Die Demo antwortet in diesem Programm.
nothing-what-answers-runs-on = Nichts. Was antwortet, läuft auf diesem Computer.
what-you-say-while-you = Das bekommt { $place }: was du sagst, während du sprichst, was du tippst, die Anweisung des Profils, deine Sprache und die Uhrzeit. Solange du schweigst, wird nichts gesendet, außer wenn der Dienst das Ende deines Beitrags erkennt (Sprechen).
alerts-which-hold-figures-and = Warnungen, die Messwerte und keine Worte enthalten, gehen an die Adresse unter „Diagnose“.
what-is-kept-stays-on = Was aufbewahrt wird, bleibt auf diesem Computer: die Worte der Gespräche so lange, wie du unten wählst, ihr Ton nur, wenn du es so wählst. Dein Schlüssel liegt im Schlüsselbund des Systems oder in einer Datei, die nur du lesen kannst.
delete-what-is-kept = Aufbewahrtes löschen
all-kept-conversations-with-their = Alle aufbewahrten Gespräche mit ihrem Ton. Warnungen, Protokolle, Einstellungen und der Schlüssel bleiben. Einzelne: Strg H.
delete-all-conversations = Alle Gespräche löschen
remove-everything = Alles entfernen
remove-everything-ask = Alles entfernen…
everything-that-this-program-keeps = Alles, was dieses Programm auf diesem Computer aufbewahrt: Gespräche, Warnungen, Protokolle, Einstellungen und Schlüssel.
these-go-for-good = Das wird endgültig entfernt: alle Gespräche mit ihrem Ton, Warnungen und Antwortzeiten, Protokolle, die Einstellungen, deine eigenen Profile und der Schlüssel in seiner Datei. Danach schließt sich das Fenster. Es liegt hier:
the-key-in-stays = Der Schlüssel bleibt in { $place }: Entferne ihn dort.
what-you-exported-stays = Was du in andere Ordner exportiert hast, bleibt.
remove-everything-and-close = Alles entfernen und schließen
keep-everything = Alles behalten
files-and-folders = Dateien und Ordner
a-voice-assistant-for-gemini = Ein Sprachassistent für Gemini Live, der zeigt, warum er schnell oder langsam ist.
licence-and-typeface = Lizenz: { $licence }. Die Schrift ist Inter, unter der SIL Open Font License.

## ui/settings_state

general = Allgemein
talking = Sprechen
key-and-account = Schlüssel und Konto
appearance = Darstellung
privacy = Datenschutz
about = Info
profile-group = Profil: { $group }
microphone-and-speaker = Mikrofon und Lautsprecher
detecting-speech = Erkennen, dass du sprichst
taking-turns = Sprecherwechsel
detection-by-the-service = Erkennung durch den Dienst
what-the-service-is-asked = Was vom Dienst verlangt wird
choosing-among-profiles = Wahl unter Profilen
alerts = Warnungen
the-profile = Das Profil
profile-settings = Profileinstellungen

## ui/sound

sound-system-is = Tonsystem: { $host }
none-is-there-to-be = Es gibt nichts zur Auswahl.
default = Standard
default-device = Standard ({ $device })
the-chosen-device-is-not = Das gewählte Gerät ist nicht da; es wird wieder verwendet, sobald es zurück ist.
volume = Lautstärke

## ui/sources

sources = Quellen
searches = Suchanfragen

## ui/speech

voice = Stimme
the-demo-has-one-voice = Die Demo hat nur eine Stimme, was immer du wählst. Deine Wahl gilt, sobald ein Schlüssel eingegeben ist.
as-the-profile-says-voice = Wie im Profil ({ $voice })
as-the-profile-says-languages = Wie im Profil ({ $codes })
as-the-profile-says-system = Wie im Profil ({ $languages })
as-the-system = Wie im System
as-the-system-languages = Wie im System ({ $languages })
whatever-i-speak = Jede, die ich spreche
you-speak = Du sprichst

## ui/system_fonts

this-text-needs-a-font = Dieser Text braucht eine Schrift, die nicht installiert ist ({ $name }). Installiere zum Beispiel { $font } (in Debian und Ubuntu: { $package }), und starte dieses Programm neu.
script-japanese = Japanisch
script-korean = Koreanisch
script-chinese = Chinesisch
script-arabic = Arabisch
script-hebrew = Hebräisch
script-devanagari = Hindi und anderes in Devanagari
script-bengali = Bengalisch
script-tamil = Tamil
script-thai = Thailändisch
script-georgian = Georgisch
script-armenian = Armenisch
script-emoji = Bilder im Text

## ui/talk

space-writes-a-blank-in = Im Feld schreibt die Leertaste ein Leerzeichen: Drücke erst Esc oder drücke hier.
talk-button = { $name } (Leertaste: { $does })
unmute = Stummschaltung aufheben
you-are-muted-nothing-is = Du bist stummgeschaltet: Nichts wird gehört oder gesendet. Drücke hier, um wieder gehört zu werden (Strg M).
mute = Stummschalten
nothing-is-heard-or-sent = Nichts wird gehört oder gesendet, bis du noch einmal drückst (Strg M)
stop-the-reply = Antwort stoppen
stops-the-reply-esc = Stoppt die Antwort (Esc)
begins-a-new-conversation-ctrl = Beginnt ein neues Gespräch (Strg N)
there-is-no-answer-yet = es gibt noch keine Antwort
hear-the-last-answer-again = Letzte Antwort noch einmal hören
plays-the-last-answer-again-ctrl = Spielt die letzte Antwort noch einmal (Strg L)
plays-the-last-answer-again = Spielt die letzte Antwort noch einmal. Geht gerade nicht, denn { $hindrance }.
level-of-the-microphone-in = Pegel des Mikrofons, in Dezibel unter Vollaussteuerung.
you-are-muted-press-the = Du bist stummgeschaltet. Drücke auf das Mikrofon.
find-words = Wörter im Gespräch finden
find-words-ctrl-f = Findet Wörter in diesem Gespräch (Strg F)

## ui/text_block

a-right-click-copies-this = Ein Rechtsklick kopiert das.

## ui/typed_field

message = Nachricht
too-many-at-most-can = { $over } zu viel: Höchstens { $most_characters } lassen sich auf einmal senden. Kürze den Text oder sende ihn in Teilen.
type-instead-of-talking-press = Tippen statt sprechen: / drücken
send = Senden

## ui/verdict

on-target = im Ziel
usual-for-service = { $name }: wie üblich
service-took = { $name } brauchte { $took }
held-for-you = wartete auf dich: { $held }
this-computer-took = dieser Computer brauchte { $took }
your-network-took = dein Netzwerk brauchte { $took }
unusually-slow-usual-is = viel langsamer als sonst ({ $usual })
the-reply-came-in-time = Die Antwort kam rechtzeitig.
usual-for-today-ms-yours = Heute üblich sind: { $name } { $server } ms, dein Computer { $ours } ms. Hier ist alles in Ordnung.
and-the-way-to-it = Die meiste Zeit brauchten { $name } und der Weg dorthin. Nach { $least_for_usual } Antworten wird gesagt, ob das üblich ist.
the-answer-was-ready-and = Die Antwort war fertig und wurde zurückgehalten, bis du lange genug geschwiegen hattest.
this-computer-is-why-details = Es liegt an diesem Computer: „Details“ nennt die Ursache und was hilft.
the-way-to-the-service-is = Es liegt am Weg zum Dienst: Ein anderes Netzwerk oder ein Kabel kann helfen.
much-longer-than-the-last = Viel länger als die letzten Antworten. Bleibt es so, nennt „Details“, was bekannt ist; vielleicht ist { $name } ausgelastet.
target-of-this-profile-ms = { $means } Ziel dieses Profils: { $target } ms.

## ui/waterfall

no-turn-was-closed-yet = Noch ist keine Runde zu Ende. Jede wird hier gezeigt, Schritt für Schritt.
turn-spoken = Runde { $number }, { $outcome }, { $profile }, Antwortzeit { $value }
turn-and-outcome = Nr. { $number } · { $outcome }
the-line-is-the-target = die Linie ist das Ziel, das die Runde hatte
beyond-the-right-edge-is = jenseits des rechten Randes liegt das Ziel, das die Runde hatte
from-the-end-of-your-speech = vom Ende deines Sprechens an; { $line }, { $target } ms nach dem Ende deines Beitrags
outcome-completed = fertig
outcome-interrupted = unterbrochen
outcome-cancelled = abgebrochen
outcome-empty = leer
outcome-failed = Fehler

## ui/welcome_page

welcome = Willkommen
connect-to-gemini-title = Mit Gemini verbinden
try-it = Ausprobieren
step-nth = Schritt { $nth } von 5: { $step }
step-is-done = { $step }: erledigt
step-is-skipped = { $step }: übersprungen
talk-with-gemini = Mit Gemini sprechen
sovereign-lets-you-talk-with = Mit Sovereign sprichst du mit Googles Assistenten wie mit einem Menschen: Du sprichst, hörst die Antwort und unterbrichst sie, wenn du magst. Du siehst, wie lange jede Antwort gebraucht hat und warum.
microphone-speaker-and-key-can = Hier lassen sich Mikrofon, Lautsprecher und Schlüssel neu einrichten. Deine Gespräche und Einstellungen bleiben.
nothing-leaves-this-computer-until = Nichts verlässt diesen Computer, bis du einen Schlüssel eingibst. Bis dahin antwortet eine Demo in diesem Programm: Sie begrüßt dich jetzt und wiederholt, was du sagst.
hear-it = Anhören
say-a-sentence-then-stop = Sag einen Satz und warte dann: Du hörst ihn so, wie das Mikrofon ihn gehört hat. { $privacy }.
say-a-sentence-and-see = Sag einen Satz und sieh, ob sich der Balken bewegt. { $privacy }.
you-are-muted-nothing-is-heard = Du bist stummgeschaltet und nicht zu hören.
we-hear-you = Wir hören dich
nothing-moves-look-for-a = Nichts bewegt sich? Such nach einem Stummschalter am Mikrofon oder an seinem Kabel, wähle oben ein anderes, und sieh in den Datenschutzeinstellungen deines Systems nach, ob dieses Programm es hören darf.
can-you-hear-it = Hörst du es?
play-a-sound-the-last = Spiele einen Ton ab: Die letzte Antwort ist noch einmal zu hören.
play-a-sound = Ton abspielen
turn-up-the-volume-here = Dreh die Lautstärke auf: hier, in deinem System und am Lautsprecher selbst. Wähle oben einen anderen Lautsprecher: Vielleicht ist gerade ein Bildschirm oder ein abgezogenes Headset gewählt. Spiele den Ton dann noch einmal ab oder lass das Programm auf ihn hören.
google-may-charge-the-account = Google kann dem Konto deines Schlüssels jede Antwort berechnen; dieses Fenster zeigt, wie viel, und in den Einstellungen lässt es sich begrenzen. Um zu antworten, bekommt Google, was du sagst, während du sprichst, und was du tippst.
prices = Preise
googles-terms = Googles Bedingungen
say-good-morning-can-you = Sag: „Guten Morgen, hörst du mich?“
press-space-to-talk-sentence = Drücke zum Sprechen die Leertaste.
just-speak-or-hold-space = Sprich einfach oder halte dabei die Leertaste.
just-speak-or-press-space = Sprich einfach oder drücke davor und danach die Leertaste.
to-interrupt-an-answer-speak = { $key } Um eine Antwort zu unterbrechen, sprich, während sie läuft, oder drücke Esc. Um stattdessen zu schreiben, drücke im Gespräch /.
set-up = Einrichten
i-heard-it = Gehört
next = Weiter
i-heard-nothing = Nichts gehört
skip = Überspringen
skip-all = Alles überspringen
skip-all-use-without-a = Alles überspringen, ohne Schlüssel
to-the-conversation-settings-general = Zum Gespräch. „Einstellungen“, „Allgemein“ führt hierher zurück.

## ui/widgets

more-figures-come-with-more = Mit weiteren Antworten kommen weitere Werte hinzu.

## conversation/actor

no-speech-was-found-in = { $name }: Darin wurde keine Sprache gefunden
ended-unexpectedly = { $what }: unerwartet beendet
the-sound-thread = Ton-Thread
the-connection-task = Verbindungs-Task

## conversation/ask_again

the-answer-failed = Die Antwort ist fehlgeschlagen
no-spoken-answer = Keine gesprochene Antwort
the-answer-stopped-before-its = Die Antwort brach vor ihrem Ende ab
no-answer-after = Keine Antwort nach
not-answered-yet = Noch nicht beantwortet
s-still-waiting = { $late } { $seconds } s. Das Warten geht weiter.
it-is-asked-for-again = { $what } Es wird noch einmal gefragt.
what-you-said-is-kept = { $unsent }: { $why }. Was du gesagt hast, ist aufbewahrt. Jetzt senden?
ask-again-or-say-it = { $what } Frag noch einmal oder sag es mit anderen Worten.
ask-again-or-send-it = { $what } Frag noch einmal oder schreib es mit anderen Worten.
please-say-it-again = { $what } Bitte sag es noch einmal.
please-send-it-again = { $what } Bitte sende es noch einmal.
say-it-aloud = Lies es vor.

## conversation/link_words

connecting-to = Verbindung wird aufgebaut: { $place }
connecting-to-again = Verbindung wird neu aufgebaut: { $place }
cannot-connect-to-yet = Noch keine Verbindung: { $place }
cannot-connect-to = Verbindung nicht möglich: { $place }
connection-to-lost = Verbindung verloren: { $place }
not-connected-to = Keine Verbindung: { $place }

## conversation/new_session

the-service-started-over = Der Dienst hat neu angefangen.
the-service-rejected-two-answers = Der Dienst hat zwei Antworten nacheinander verworfen, deshalb hat eine neue Sitzung begonnen.
the-earlier-conversation-goes-on = Das frühere Gespräch geht weiter.
the-service-had-forgotten-what = Der Dienst hatte vergessen, was gesagt wurde, deshalb hat eine neue Sitzung begonnen.
it-does-not-remember-what = Der Dienst weiß nicht mehr, was vorher gesagt wurde.
it-was-told-what-you = Dem Dienst wurde mitgeteilt, was du gesagt hast; seine eigenen Antworten wurden nicht mitgeschrieben, deshalb kennt er sie nicht.
it-was-told-all-that = Dem Dienst wurde alles Gesagte mitgeteilt, du kannst also weitersprechen.
it-was-told-how-the = Dem Dienst wurden der Anfang des Gesprächs, die letzten Runden und eine Zusammenfassung des Rests mitgeteilt, du kannst also weitersprechen.

## conversation/on_command

the-new-voice-or-language = Die neue Stimme oder Sprache gilt ab der nächsten Pause.
this-choice-could-not-be = Diese Wahl konnte nicht gespeichert werden und geht verloren, wenn das Programm endet
another-key-is-in-and = Aus { $place } kommt ein anderer Schlüssel, der jetzt verwendet wird. Um keinen zu verwenden, entferne ihn auch dort.
the-earlier-settings-stay-in = { $fault } Die früheren Einstellungen gelten weiter.
the-configuration-is-correct-again = Die Konfiguration ist wieder richtig und gilt.
was-not-changed = `{ $key }` wurde nicht geändert. { $problem }
in-the-configuration-applies-from = `{ $key }:` in der Konfiguration gilt ab dem nächsten Start.

## conversation/on_provider

the-connection-to-the-service = Die Verbindung zum Dienst
the-network-does-not-answer = Das Netzwerk antwortet nicht. Sprich weiter: Was du sagst, wird aufbewahrt und gesendet, wenn es wieder da ist.
this-model-cannot-be-told = Diesem Modell lassen sich Sprachen und Namen nicht in seinen Einstellungen nennen. Sie stehen jetzt in seiner Anweisung; du brauchst nichts zu tun.

## conversation/on_voice

a-reply-that-sounded-may = Eine laufende Antwort kann abgeschnitten worden sein.
a-steady-sound-was-taken = Ein Dauerton wurde für Sprache gehalten. Er wird jetzt nicht mehr beachtet; rücke das Mikrofon von ihm weg.
the-sound = Der Ton
the-microphone-gives-no-sound = Das Mikrofon liefert überhaupt keinen Ton
look-for-a-mute-switch = { $what }. Falls du gesprochen hast, such nach einem Stummschalter daran und in den Toneinstellungen des Systems.
muted-esc-stops-a-reply = stumm: Esc stoppt eine Antwort
spend-limit-reached-esc-stops = Ausgabengrenze erreicht: Esc stoppt eine Antwort
no-microphone-esc-stops-a = kein Mikrofon: Esc stoppt eine Antwort
the-talk-key-interrupts-speech = die Sprechtaste unterbricht, Sprechen nicht
speak-to-interrupt-always-on = Sprechen unterbricht: immer ein
speech-does-not-interrupt-switched = Sprechen unterbricht nicht: ausgeschaltet
speak-to-interrupt-sound-files = Sprechen unterbricht: Tondateien
speak-to-interrupt-headset = Sprechen unterbricht: Headset
speak-to-interrupt-echo-cancellation = Sprechen unterbricht: Echounterdrückung ist ein
speak-to-interrupt-the-microphone = Sprechen unterbricht: das Mikrofon hört die Antwort nicht
speech-does-not-interrupt-over = Sprechen unterbricht nicht bei diesem Lautsprecher: drücke Esc oder die Leertaste

## conversation/profile_control

the-file-of-the-profile = Die Datei des Profils { $name } wurde gelöscht. Es gilt weiter, bis du ein anderes wählst.
the-profile-lists-which-is = Das Profil { $chooser } nennt { $name }, das selbst automatisch ist. { $name } wird ausgelassen.
the-profile-lists-a-profile = Das Profil { $chooser } nennt ein Profil, das es nicht gibt: { $unknown }. Es wird ausgelassen.

## conversation/profile_switch

the-profile-was-not-changed = Das Profil wurde nicht geändert
the-new-profile-applies-to = Das neue Profil gilt für den Ton sofort und für das, was vom Dienst verlangt wird, ab der nächsten Pause.
the-profile-was-read-again-and = Das Profil { $name } wurde neu gelesen und gilt jetzt.
the-profile-was-read-again = Das Profil { $about } wurde neu gelesen
auto-notice = Automatisch: { $why }

## conversation/repeat

not-while-you-speak = du sprichst gerade
an-answer-is-on-its = eine Antwort ist unterwegs
an-answer-is-playing = eine Antwort läuft gerade
the-sound-is-being-checked = der Ton wird gerade geprüft
no-answer-was-heard-in = in den letzten zehn Minuten war keine Antwort zu hören
an-answer-is-being-stopped = eine Antwort wird gerade gestoppt
there-is-no-speaker = es gibt keinen Lautsprecher

## conversation/sending

the-service-has-been-silent = Der Dienst schweigt
the-connection-is-too-slow = Die Verbindung ist zu langsam: Teile von dem, was du sagst, gehen verloren. Nutze ein schnelleres Netzwerk oder setze `turn.detection: manual` im Profil.
what-you-said-is-longer = Was du gesagt hast, ist länger als die { $kept } Minuten, die sich aufbewahren lassen, und die Verbindung war weg: Der Anfang ist verloren. Sag den Anfang noch einmal.
for-s-a-new-connection = { $unresponsive } seit { $seconds } s. Eine neue Verbindung wird geöffnet, und was du gesagt hast, wird noch einmal gesendet.

## conversation/settings_builder

configuration = Konfiguration
your-profiles = Deine Profile
conversations-and-logs = Gespräche und Protokolle

## conversation/snapshot_builder

no-speaker-not-needed = kein Lautsprecher: nicht nötig
no-microphone-not-needed = kein Mikrofon: nicht nötig
switched-on = eingeschaltet
switched-off = ausgeschaltet
headset-not-needed = Headset: nicht nötig
loudspeaker-needed = Lautsprecher: nötig
the-microphone-hears-the-reply = das Mikrofon hört die Antwort: nötig
the-microphone-does-not-hear = das Mikrofon hört die Antwort nicht: nicht nötig

## conversation/sound_check

the-microphone-is-muted = das Mikrofon ist stummgeschaltet
unmute-it-with-ctrl-m = Hebe das mit Strg M auf und prüfe noch einmal.
sound-files-are-used-instead = stattdessen werden Tondateien verwendet
start-without-files-and-check = Starte ohne Dateien und prüfe noch einmal.
there-is-none = es gibt keines
plug-one-in-or-choose-one = Schließe eines an oder wähle eines unter „Ton“.
no-sound-came-from-it = es kam kein Ton
plug-it-in-again-or = Schließe es noch einmal an oder wähle ein anderes unter „Ton“.

## conversation/sound_check_text

it-is-silent-probably-muted = es ist still: wahrscheinlich stummgeschaltet
look-for-a-mute-switch-on = Such nach einem Stummschalter daran und in den Toneinstellungen des Systems.
it-works-and-nothing-is = es funktioniert, und nichts ist verzerrt
room = Raum
no-noise-at-all-while = gar kein Geräusch, während niemand spricht
of-noise-while-nobody-speaks = { $noise } Geräusch, während niemand spricht
no-voice-was-heard = keine Stimme war zu hören
speak-nearer-to-the-microphone = Sprich näher am Mikrofon oder wähle ein anderes unter „Ton“.
db-over-the-room = , { $noise } dB über dem Raum
the-sound-was-not-played = der Ton wurde nicht abgespielt
connect-a-speaker-or-choose = Schließe einen Lautsprecher an oder wähle einen anderen unter „Ton“.
the-sound-was-played = der Ton wurde abgespielt
echo = Echo
the-microphone-does-not-hear-the = das Mikrofon hört das Headset nicht

## conversation/spend_limit

no-price-is-published-for = für { $model } ist kein Preis veröffentlicht
the-price-of-is-not = der Preis von { $host } ist nicht bekannt
your-text-was-not-sent = { $reached } Dein Text wurde nicht gesendet.
files-not-sent = { $n ->
        [one] { $reached } { $n } Datei wurde nicht gesendet.
       *[other] { $reached } { $n } Dateien wurden nicht gesendet.
    }

## conversation/spending

the-spend-limit-cannot-be = Die Ausgabengrenze lässt sich nicht prüfen
the-spend-limit-is-raised = Die Ausgabengrenze ist erhöht
the-microphone-is-closed = Das Mikrofon ist geschlossen.
the-microphone-closes-when-you = Das Mikrofon schließt, wenn du fertig gesprochen hast.
to-go-on-raise-in = Um fortzufahren, erhöhe `{ $key }` in config.yaml und speichere die Datei.
set-price-usd-per-million = Setze den Preis in Einstellungen, Schlüssel und Konto (`price_usd_per_million` mit `in` und `out` in config.yaml).
this-conversation-may-cost-more = { $lifted }: Dieses Gespräch darf { $more } mehr kosten.
today-more-may-be-spent = { $lifted }: Heute dürfen { $more } mehr ausgegeben werden.
go-on-allows-more = { $limit_usd } { $closing } „Fortfahren“ erlaubt { $more_usd } mehr.
the-spend-limit-of-this-is-near = Die Ausgabengrenze ist nah: Von { $allowed } für dieses Gespräch sind { $spent } ausgegeben. Bei { $allowed } schließt das Mikrofon.
the-spend-limit-of-today-is-near = Die Ausgabengrenze ist nah: Von { $allowed } für heute sind { $spent } ausgegeben. Bei { $allowed } schließt das Mikrofon.
the-spend-limit-of-this-is-reached = Die Ausgabengrenze ist erreicht: Von { $allowed } für dieses Gespräch sind { $spent } ausgegeben.
the-spend-limit-of-today-is-reached = Die Ausgabengrenze ist erreicht: Von { $allowed } für heute sind { $spent } ausgegeben.

## conversation/spending/day

what-is-spent-today-cannot = Die heutigen Ausgaben lassen sich nicht speichern: { $file }: { $error }. Nach einem Neustart beginnt die heutige Grenze bei null.

## conversation/typed

not-sent-send-it-in = Nicht gesendet: { $problem }. Sende es in Teilen.
not-sent-the-sound-is = Nicht gesendet: Der Ton wird gerade geprüft. Sende es, wenn die Prüfung vorbei ist.
there-is-nothing-to-send = es gibt nichts zu senden
the-text-is-too-long = { $n ->
       *[other] der Text ist { $n } Zeichen zu lang: Höchstens { $most } lassen sich auf einmal senden
    }

## telemetry/alert/kind

look-at-the-parts-of = Sieh in den Teilen der Antwortzeit nach, welcher den größten Anteil hat.
sovereign-doctor-live-tells-whether = `sovereign doctor --live` sagt, ob der Dienst überhaupt antwortet.
a-restart-gives-the-memory = Ein Neustart gibt den Speicher frei; wächst er wieder, melde das bitte mit „Bericht kopieren“.
close-what-you-do-not = Schließe, was du nicht brauchst.
ask-for-short-answers-or = Bitte um kurze Antworten oder prüfe Mikrofon und Echo.
take-a-profile-with-more = Nimm ein Profil mit mehr Geduld.
the-line-delivers-late-or = Die Leitung liefert spät, oder dieser Computer ist ausgelastet: Halte Downloads an, schließe, was du nicht brauchst, oder nimm ein Kabel.
answers-arrive-late-until-the = Antworten kommen spät an: { $value } bis zum ersten Ton, { $limit } ist die Grenze ({ $n } Runden)
answers-are-slow-until-they = Antworten sind langsam: { $value }, bis sie zu hören sind, { $limit } ist die Grenze ({ $n } Runden)
answers-are-missing-of-the = Antworten fehlen: { $value } % der letzten { $n } Runden bekamen eine, { $limit } % ist die Grenze
memory-is-high-mb-mb = Der Speicherbedarf ist hoch: { $value } MB, { $limit } MB ist die Grenze
it-grows-by-mb-an = ; er wächst um { $growth } MB pro Stunde
this-computer-is-busy-of = Dieser Computer ist ausgelastet: { $value } % seiner Prozessoren über zehn Sekunden, { $limit } % ist die Grenze
answers-are-interrupted-often-of = Antworten werden oft unterbrochen: { $value } % der letzten { $n }, { $limit } % ist die Grenze
turns-are-cut-off-of = Dir wird ins Wort gefallen: { $value } % der letzten { $n } Beiträge waren nicht fertig, { $limit } % ist die Grenze
answers-stutter-times-within-ten = Antworten stocken: { $value }-mal binnen zehn Sekunden

## telemetry/auto/policy

noise-suppression-and-gain-control = {""} Rauschunterdrückung und Pegelausgleich ruhen
while-the-processor-is-busy-best = , solange der Prozessor ausgelastet ist.
while-the-processor-is-busy = , solange der Prozessor ausgelastet ist, und ein besseres Profil wird nicht genommen.
because-the-processor-is-busy = { $here }, weil der Prozessor ausgelastet ist ({ $cpu } %).
because-the-memory-is-nearly = { $here }, weil der Arbeitsspeicher fast voll ist ({ $memory } %).
a-faster-profile-would-be = { $here }: Diesem Computer zuliebe wäre ein schnelleres Profil dran, aber weitere Wechsel sind jetzt nicht erlaubt.
power-is-saved-on-battery-lower = Im Akkubetrieb wird Strom gespart
there-is-no-recent-answer = Noch fehlt eine neuere Antwort als Anhalt
better-and = besser und
faster-and = schneller und
chosen-if-this-lasts = gewählt, wenn es so bleibt
not-chosen-as-no-more = nicht gewählt, weil in dieser Stunde keine Wechsel mehr erlaubt sind
for-now-responses-take-about = vorerst { $here }: Die Antwortzeit ist etwa { $r } ms; mit { $awaited } ({ $what } { $when }) etwa { $then } (gewünscht: { $target }).
responses-take-about-ms-with = { $here }: Die Antwortzeit ist etwa { $r } ms, mit { $best } etwa { $better } (gewünscht: { $target }).
responses-take-about-ms-would = { $here }: Die Antwortzeit ist etwa { $r } ms, { $network }; { $label } würde { $faster } ms sparen.
responses-take-about-ms-wanted = { $here }: Die Antwortzeit ist etwa { $r } ms (gewünscht: { $target }).
power-is-saved-on-battery = { $words } Im Akkubetrieb wird Strom gespart.
of-them-the-service-and-the = davon { $server } für Dienst und Netzwerk
of-them-the-service-and = davon { $network } für den Dienst und { $net } für das Netzwerk

## telemetry/collector

there-is-no-folder-to = Es gibt keinen Ordner, um die Messwerte zu schreiben.
written-the-turns-of-this = Geschrieben: { $turns } (die Runden dieses Gesprächs) und { $history } (die letzten sieben Tage).
the-figures-cannot-be-written = Die Messwerte lassen sich nicht nach { $turns } schreiben: { $error }.

## telemetry/diagnosis/rules

your-last-words-wait-for = Deine letzten Worte warten { $uplink } auf die Leitung: Die Verbindung ist langsam oder bricht ab.
stop-uploads-backups-video-calls = Halte Uploads an (Backups, Videoanrufe), geh näher an den WLAN-Router oder nimm ein Kabel. Das Profil „Wenig Daten“ sendet am wenigsten.
the-round-trip-is-and = Die Umlaufzeit ist { $trip }, vorher war sie { $shortest }.
something-else-uses-the-line = Etwas anderes nutzt die Leitung, oder der Funk ist schwach: Halte Downloads an, geh näher an den WLAN-Router oder nimm ein Kabel.
the-connection-goes-through-a = Die Verbindung geht über einen Proxy, und ihre Umlaufzeit ist { $trip }.
if-the-proxy-is-not = Wenn der Proxy für diesen Host nicht nötig ist, nenne ihn in NO_PROXY und starte neu.
the-round-trip-to-the-service = Die Umlaufzeit zum Dienst ist { $trip }, die ganze Zeit.
a-vpn-that-leads-through = Ursache ist oft ein VPN über ein anderes Land, ein Satellit oder Mobilfunk: Lass es weg oder nimm ein Kabel.
the-round-trip-to-the = Die Umlaufzeit zum Dienst schwankt um { $by }: Die Leitung ist unstet.
use-a-cable-or-move = Nimm ein Kabel oder geh näher an den WLAN-Router.
of-what-is-sent-is = { $lost } % von dem, was gesendet wird, gehen unterwegs verloren und müssen noch einmal gesendet werden.
move-nearer-to-the-access = Geh näher an den WLAN-Router oder nimm ein Kabel: Das meiste geht im Funk verloren.
close-programs-that-use-the = Schließe Programme, die den Prozessor beanspruchen.
taking-in-an-answer-needs = Eine Antwort aufzunehmen dauert { $decode }: Dieser Computer hat keine Zeit dafür.
answers-are-gathered-for-before = Antworten werden { $buffer } lang gesammelt, bevor sie zu hören sind
stuttered-once = gestockt haben (einmal)
stuttered-times = gestockt haben ({ $n }-mal)
the-profile-asks-for = { $begins }: Das Profil verlangt { $prebuffer }.
lower-audio-prebuffer-ms-in-the = Senke `audio.prebuffer_ms` im Profil oder nimm ein schnelleres Profil: Es wächst von selbst, wo das nötig ist.
lower-audio-prebuffer-ms-in = Senke `audio.prebuffer_ms` im Profil: Es wächst von selbst, wo das nötig ist.
the-profile-asks-for-and = { $begins }: Das Profil verlangt { $prebuffer }, was nicht verhindert hat, dass sie { $stuttered }.
the-line-delivers-in-bursts-move = Die Leitung liefert schubweise: Geh näher an den WLAN-Router, nimm ein Kabel oder halte Downloads an. Senke dann `audio.prebuffer_ms` im Profil.
because-they = { $begins }, weil sie { $stuttered }.
arrive-in-bursts = schubweise ankommen
the-line-delivers-in-bursts = Die Leitung liefert schubweise: Geh näher an den WLAN-Router, nimm ein Kabel oder halte Downloads an. Es schrumpft von selbst wieder.
the-speaker-works-in-periods = Der Lautsprecher arbeitet in Perioden von { $granted }, obwohl { $asked } verlangt waren, und hält Ton { $device } lang zurück.
another-program-holds-the-device = Ein anderes Programm hält das Gerät, oder es stockte: Schließe andere Tonprogramme oder wähle einen anderen Lautsprecher unter „Ton“.
the-profile-asks-for-periods = Das Profil verlangt Perioden von { $asked }, und der Lautsprecher hält Ton { $device } lang zurück.
lower-audio-period-frames-in = Senke `audio.period_frames` im Profil oder nimm ein schnelleres Profil.
the-speaker-holds-sound-for = Der Lautsprecher hält Ton { $device } lang zurück, wie es drahtlose tun.
with-a-wired-speaker-or = Mit einem Lautsprecher oder Headset am Kabel hörst du Antworten früher.
you-went-on-after-of = Du hast nach { $share } % deiner Beiträge weitergesprochen, obwohl sie schon für beendet galten.
take-a-profile-with-more-patience = Nimm ein Profil mit mehr Geduld, erhöhe `turn.patience_ms` oder setze `turn.adaptive_patience: on`.
answers-are-ready-before-it = Antworten sind { $held } früher fertig, als klar ist, dass du fertig bist.
if-you-rarely-pause-lower = Wenn du selten Pausen machst, senke `turn.patience_ms` im Profil oder nimm ein schnelleres Profil.
of-silence-pass-before-a = { $waits } Stille vergehen, bis ein Beitrag für beendet gilt.
lower-turn-patience-ms-in = Senke `turn.patience_ms` im Profil oder nimm ein schnelleres Profil.
you-interrupt-of-the-answers-they = Du unterbrichst { $share } % der Antworten; sie dauern { $heard } s.
set-live-answer-length-short = Setze `live.answer_length: short` im Profil oder bitte um kurze Antworten.
you-interrupt-of-the-answers = Du unterbrichst { $share } % der Antworten.
if-they-are-too-long = Sind sie zu lang, setze `live.answer_length: short`; unterbricht sie ein Geräusch, prüfe Mikrofon und Echo.
of-the-answers-are-interrupted = { $share } % der Antworten werden unterbrochen, obwohl sie kurz sind.
a-sound-may-be-taken = Vielleicht wird ein Geräusch für dich gehalten: Prüfe Mikrofon und Echo oder nutze ein Headset.
microphone-and-speaker-carry-a = Mikrofon und Lautsprecher übertragen nur den Frequenzbereich eines Telefons, höchstens die Hälfte der Stimme: Ein Bluetooth-Headset schaltet darauf um, während sein Mikrofon in Gebrauch ist.
choose-another-microphone-under-sound = Wähle unter „Ton“ ein anderes Mikrofon, eines am Kabel oder das dieses Computers: Du wirst besser verstanden, und das Headset spielt wieder in voller Qualität.
the-microphone-gives-half-of = Das Mikrofon überträgt höchstens die Hälfte des Frequenzbereichs der Stimme, wie ein Freisprechmikrofon über Bluetooth.
you-are-understood-better-with = Mit einem Mikrofon am Kabel oder dem dieses Computers wirst du besser verstanden: Wähle es unter „Ton“.
the-speaker-plays-a-telephones = Der Lautsprecher spielt nur den Frequenzbereich eines Telefons: Ein Bluetooth-Headset schaltet darauf um, während irgendein Programm sein Mikrofon nutzt.
end-what-uses-the-headsets = Beende, was das Mikrofon des Headsets nutzt, etwa einen Anruf, oder gib jenem Programm ein anderes.
the-processors-are-busy-with-this = Die Prozessoren sind zu { $all } % ausgelastet, zu { $own } % mit diesem Programm.
the-processors-are-busy-with = Die Prozessoren sind zu { $all } % ausgelastet, zu { $own } % mit anderen Programmen.
close-what-you-do-not-need-browsers = Schließe, was du nicht brauchst: Browser, Videos, Backups.
connect-the-charger-or-choose = Schließe das Ladegerät an oder wähle in den Einstellungen des Systems einen schnelleren Energiemodus.
let-it-cool-down-or = Lass ihn abkühlen oder wähle in den Einstellungen des Systems einen schnelleren Energiemodus.
the-processor-is-held-to = Der Prozessor ist auf { $clock } % seines Tempos gedrosselt.
the-memory-of-this-computer = Der Arbeitsspeicher dieses Computers ist zu { $full } % voll.
close-what-you-do-not-need = Schließe, was du nicht brauchst: Ist er voll, wartet alles auf das Laufwerk.
this-programs-memory-grows-by = Der Speicherbedarf dieses Programms wächst um { $amount } MB pro Stunde und geht nicht zurück.
that-is-a-fault-of = Das ist ein Fehler des Programms: Bitte melde ihn mit „Bericht kopieren“. Ein Neustart gibt den Speicher frei.
echo-cancellation-is-switched-on = Die Echounterdrückung ist von Hand eingeschaltet und braucht viel davon: Automatisch ruht sie bei einem Headset.
gain-control-and-noise-suppression-take = Pegelausgleich und Rauschunterdrückung brauchen viel davon: Ein Profil kommt ohne sie aus. Mit einem Headset ruht auch die Echounterdrückung.
gain-control-and-noise-suppression = Pegelausgleich und Rauschunterdrückung brauchen viel davon: Setze `audio.gain_control: off` und `audio.noise_suppression: off` im Profil.
with-a-headset-echo-cancellation = Mit einem Headset ruht die Echounterdrückung, die bei Lautsprechern am meisten braucht. Sonst schließe, was du nicht brauchst.

## telemetry/diagnosis/service_causes

the-service-needs-it-searches = Der Dienst braucht { $took }: Er sucht im Web, bevor er antwortet.
set-live-google-search-false = Setze `live.google_search: false` im Profil, wenn Antworten nicht von heute sein müssen.
the-service-needs-the-model = Der Dienst braucht { $took }: Das Modell denkt vielleicht nach, bevor es antwortet.
take-a-model-that-does = Nimm mit `live.model` im Profil ein Modell, das nicht nachdenkt, oder ein schnelleres Profil.
set-live-thinking-in-the = Setze `live.thinking: { $least }` im Profil oder nimm ein schnelleres.
the-service-needs-the-silence = Der Dienst braucht { $took }; die Stille, auf die er wartet, ist darin enthalten.
set-detection-manual-in-the = Setze `detection: manual` in der Konfiguration oder `turn.detection: manual` im Profil: Dann entscheidet dieser Computer, wann du fertig bist.
the-service-needs-it-reads-a = Der Dienst braucht { $took }: Er liest in jeder Runde ein Gespräch von { $tokens } Tokens.
lower-live-compress-at-tokens = Senke `live.compress_at_tokens` im Profil: Die ältesten Runden werden dann früher vergessen.
the-service-needs-it-reads = Der Dienst braucht { $took }: Er liest in jeder Runde eine Anweisung von { $chars } Zeichen.
shorten-live-instruction-in-the = Kürze `live.instruction` im Profil.
service-and-network-need-and = Dienst und Netzwerk brauchen { $server }, vorher waren es { $before }: Der Dienst ist ausgelastet.
nothing-is-wrong-here-it = Hier ist alles in Ordnung. Meist geht es in Minuten vorbei; eine neue Verbindung erreicht vielleicht eine andere Maschine.
model = Das Modell { $model }
server-on-this-computer = Der Server auf diesem Computer
takes-most-of-it = braucht das meiste davon
has-the-largest-share = hat den größten Anteil
the-needs-for-its-first = { $who } braucht { $took } bis zum ersten Ton.
which-is-usual-today = , wie heute üblich
the-service-the-needs-of = Der Dienst { $has }: { $who } braucht { $took } von { $response } bis zum ersten Ton{ $usual }.
no-setting-of-this-program = Keine Einstellung dieses Programms macht das schneller: Sieh dir jenen Server an oder was er seinerseits fragt.
choose-a-faster-model-with = Wähle mit `live.model` im Profil ein schnelleres Modell.
another-model-live-model-a = Ein anderes Modell (`live.model`), eine kürzere `live.instruction` oder ein anderer Weg zum Dienst (kein VPN oder Proxy, ein Kabel) ist vielleicht schneller; Einstellungen für Ton oder Geduld helfen nicht.

## telemetry/diagnosis/shares

the-connection-goes-through-a-proxy = Die Verbindung geht über einen Proxy: Wenn er für diesen Host nicht nötig ist, nenne ihn in NO_PROXY und starte neu.
it-depends-on-where-the = Es kommt darauf an, wo der nächste Standort des Dienstes ist. Ein VPN über ein anderes Land oder Mobilfunk verlängert den Weg.
the-way-to-the-service-and = Der Weg zum Dienst und zurück hat den größten Anteil: { $network } von { $response }.
until-an-answer-is-taken = , bis eine Antwort aufgenommen ist
until-it-is-clear-that = , bis klar ist, dass du fertig bist
until-enough-of-an-answer = , bis genug von einer Antwort gesammelt ist
lower-audio-prebuffer-ms-in-the-profile = Senke `audio.prebuffer_ms` im Profil; liefert die Leitung schubweise, nimm ein Kabel.
in-the-speaker = {""} im Lautsprecher
lower-audio-period-frames-in-the = Senke `audio.period_frames` im Profil oder nimm einen Lautsprecher am Kabel.
this-computer-has-the-largest = Dieser Computer hat den größten Anteil: { $ours } von { $response }
of-which-pass = { $begins }; davon vergehen { $length }{ $at }.
its-parts-are-not-known = Seine Teile sind hier nicht bekannt: Nimm ein schnelleres Profil und schließe Programme, die den Prozessor beanspruchen.
with-less-patience-more-of = Mit weniger Geduld würde dir öfter ins Wort gefallen: Dass sie warten, ist richtig.
if-you-rarely-pause-lower-turn = Wenn du selten Pausen machst, senke `turn.patience_ms` im Profil.

## telemetry/diagnosis/types

patience-before-it = Geduld davor
to-the-service = Weg zum Dienst
to-your-ear = Weg zu deinem Ohr
microphone-and-speaker-lower = Mikrofon und Lautsprecher
if-it-is-fast-enough = { $remedy } Ist es dir schnell genug, erhöhe `{ $key }` im Profil.
conversation-lower = Gespräch
this-computer-label = Dieser Computer

## telemetry/mod

the-part-that-collects-statistics = Der Teil für die Statistik
the-statistics-begin-again = { $restarted } Die Statistik beginnt von vorn.

## conversation/on_store

n-conversations-deleted = { $n ->
    [one] { $n } Gespräch gelöscht
   *[other] { $n } Gespräche gelöscht
}
not-answered-because-it-ended = { $unsent }, weil das Programm beendet wurde: was du gesagt hast ({ $heard }). Jetzt senden?
written = Geschrieben: { $file }
the-conversation-is-not-exported = Das Gespräch wurde nicht exportiert: { $why }.
seconds-from = { $seconds } s vom { $time }

## base/supervise

part-was-restarted = { $part } ist wegen eines Fehlers in diesem Programm ausgefallen und wurde neu gestartet.
part-stays-off = { $part } ist wegen eines Fehlers in diesem Programm mehrmals ausgefallen und bleibt aus.
writing-to-the = Das Schreiben ({ $name })
the-server-of-the-demo = Der Server der Demo

## turn/machine

no-answer-within = keine Antwort binnen { $within } s
no-answer-within-times = keine Antwort binnen { $within } s, { $times }-mal
the-reply-stopped-for = die Antwort stockte { $seconds } s lang
the-service-called-a-function = der Dienst rief eine Funktion ohne Kennung auf, die niemand beantworten kann
the-connection-was-lost-in = die Verbindung ging mitten in der Antwort verloren
there-was-no-connection-for = { $seconds } s lang gab es keine Verbindung
connections-in-a-row-ended = { $times } Verbindungen nacheinander endeten vor der Antwort
connections-in-a-row-broke = { $times } Verbindungen nacheinander brachen beim Senden ab
the-conversation-was-ended-before = das Gespräch wurde beendet, bevor es gesendet und beantwortet werden konnte

## provider/connection

is-no-address-of-a = { $url } ist keine Adresse eines Live-Servers: { $why }
would-be-reached-without-encryption = { $host } wäre nur unverschlüsselt erreichbar und wird deshalb nicht angewählt
is-set-to-which-cannot = { $variable } ist auf `{ $value }` gesetzt, was nicht geht: { $why }
no-name-server-answers-for = kein Namensserver antwortet für { $host }
the-name-was-not-found = der Name { $host } wurde nicht gefunden
refuses-connections = { $address } lehnt Verbindungen ab
cannot-be-reached = { $address } ist nicht erreichbar ({ $why })
could-not-prove-who-it = { $host } konnte sich nicht ausweisen: { $problem }
no-encrypted-connection-to = keine verschlüsselte Verbindung zu { $host }: { $why }
this-computers-certificates-cannot = die Zertifikate dieses Computers sind nicht zu gebrauchen: { $why }
is-not-a-live-server = { $address } ist kein Live-Server: Die Antwort war { $answer }
sends-us-elsewhere = { $address } leitet uns weiter ({ $to }); vielleicht ist eine Anmeldeseite des Netzwerks dazwischen
the-proxy-refuses-the-login = der Proxy { $proxy } lehnt die gesendete Anmeldung ab ({ $detail })
the-proxy-wants-a-login = der Proxy { $proxy } verlangt eine Anmeldung, und keine wurde gesendet ({ $detail })
the-proxy-does-not-connect = der Proxy { $proxy } verbindet nicht mit { $address }: { $answer }
wants-an-api-key-there-is-none = { $who } verlangt einen API-Schlüssel, und es gibt keinen
wants-an-api-key-none-was-sent = { $who } verlangt einen API-Schlüssel, und keiner wurde gesendet ({ $detail })
the-api-key-holds-spaces = der API-Schlüssel enthält Leerzeichen oder Zeichen, die kein Schlüssel hat
the-service-refuses-the-api-key = der Dienst lehnt den API-Schlüssel ab ({ $detail })
the-quota-of-this-api-key = das Kontingent dieses API-Schlüssels ist aufgebraucht ({ $detail })
the-model-is-not-available = das Modell ist nicht verfügbar ({ $detail })
the-model-is-not-made = das Modell ist nicht für Gespräche gemacht ({ $detail })
the-model-does-not-know = das Modell kennt diese Stimme nicht ({ $detail })
the-service-is-not-offered = der Dienst wird an deinem Ort nicht angeboten ({ $detail })
the-service-refused-what-was = der Dienst hat das Gesendete abgelehnt ({ $detail })
the-service-closed-the-connection = der Dienst hat die Verbindung geschlossen ({ $detail })
has-trouble-of-its-own = { $address } hat selbst eine Störung (HTTP { $status })
the-connection-broke-off = die Verbindung brach ab ({ $why })
broke-the-connection-off = { $address } brach die Verbindung vor einer Antwort ab ({ $why })
the-service-has-stopped = der Dienst antwortet nicht mehr
the-service-sent-messages = der Dienst hat Nachrichten ohne Sinn gesendet ({ $what })
the-service-is-about-to = der Dienst beendet diese Verbindung gleich
the-connection-failed-repeatedly = die Verbindung ist wegen eines Fehlers in diesem Programm mehrmals ausgefallen
the-connection-failed-because = die Verbindung ist wegen eines Fehlers in diesem Programm ausgefallen
did-not-become-known = { $address } war binnen { $seconds } s nicht als Name bekannt
did-not-answer-within = { $address } hat binnen { $seconds } s nicht geantwortet
did-not-connect-us-to = { $address } hat uns binnen { $seconds } s nicht mit dem Dienst verbunden
did-not-agree-on-encryption = { $address } hat sich binnen { $seconds } s nicht auf eine Verschlüsselung geeinigt
did-not-open-a-conversation = { $address } hat binnen { $seconds } s kein Gespräch eröffnet
did-not-take-up-the = { $address } hat das Gespräch binnen { $seconds } s nicht aufgenommen
did-not-list-its-models = { $address } hat seine Modelle binnen { $seconds } s nicht genannt
check-the-endpoint-it-begins = Prüfe den Endpunkt: Er beginnt mit wss://, auf diesem Computer auch mit ws://.
use-a-wss-address = Nimm eine Adresse mit wss://.
check-the-network-connection-and-its = Prüfe die Netzwerkverbindung und ihren Namensserver (DNS); es wird noch einmal versucht.
check-the-network-connection-and-the = Prüfe die Netzwerkverbindung und die Schreibweise des Endpunkts.
check-that-the-server-runs = Prüfe, ob der Server läuft und der Port stimmt.
check-the-network-connection = Prüfe die Netzwerkverbindung.
there-is-nothing-to-do-said = Du brauchst nichts zu tun: Eine neue Verbindung wird geöffnet, und was du gesagt hast, wird noch einmal gesendet.
check-that-the-endpoint-is = Prüfe, ob der Endpunkt ein Live-Server ist; sonst versuch es noch einmal.
check-that-the-endpoint-speaks = Prüfe, ob der Endpunkt TLS 1.2 oder neuer spricht und keine Anmeldeseite des Netzwerks dazwischen ist.
install-the-systems-certificates = Installiere die Zertifikate des Systems (unter Debian: ca-certificates).
check-the-endpoint-its-path = Prüfe den Endpunkt samt seinem Pfad.
open-a-web-page-in = Öffne im Browser eine Webseite und melde dich beim Netzwerk an.
write-the-proxy-as = Schreib den Proxy als http://USER:PASSWORD@HOST:PORT; @ : / ? # % in Name und Passwort sind %40 %3A %2F %3F %23 %25.
check-the-variable-that-names = Prüfe die Variable, die den Proxy nennt, samt http://, https:// oder socks5h://; oder nenne den Host in NO_PROXY.
check-the-network-connection-firewall = Prüfe die Netzwerkverbindung und ob eine Firewall dazwischen ist.
set-gemini-api-key = Setze GEMINI_API_KEY; ein gespeicherter Schlüssel geht nur an Google und an den Endpunkt der Konfigurationsdatei.
copy-the-key-anew = Kopiere den Schlüssel neu, ohne Leerzeichen.
enter-a-valid-key = Gib einen gültigen Schlüssel ein; in Google AI Studio lässt sich einer anlegen.
wait-or-raise-the-quota = Warte oder erhöhe das Kontingent in Google AI Studio.
change-live-model-in-the = Ändere `live.model` im Profil; `sovereign doctor --live` zeigt die Modelle, mit denen dieser Schlüssel sprechen kann.
change-live-voice-in-the = Ändere `live.voice` im Profil oder wähle im Fenster eine andere Stimme: Jedes Modell kennt die fertigen Stimmen, etwa Kore.
use-the-service-from-a = Nutze den Dienst von einem Ort aus, an dem er angeboten wird.
choose-a-built-in-profile = Wähle ein mitgeliefertes Profil; bleibt es so, melde diesen Text.
wait-a-little-it-is = Warte ein wenig: Es wird noch einmal versucht.
try-again-if-it-stays = Versuch es noch einmal; bleibt es so, melde diesen Text.
there-is-nothing-to-do = Du brauchst nichts zu tun: Eine neue Verbindung wird geöffnet.
try-again-or-start-the = Versuch es noch einmal oder starte das Programm neu; bitte melde den Fehler.
nothing-that-is-sent-gets = nichts, was gesendet wird, geht hinaus
the-network-of-this-computer = das Netzwerk dieses Computers hat gewechselt
what-answers-does-not-speak = was antwortet, spricht kein TLS
it-broke-off = die Verbindung brach ab ({ $error })
its-certificate-has-expired = sein Zertifikat ist abgelaufen
its-certificate-is-not-valid = sein Zertifikat gilt noch nicht
nobody-this-computer-trusts = niemand, dem dieser Computer vertraut, hat sein Zertifikat unterschrieben
its-certificate-is-for-another = sein Zertifikat gilt für einen anderen Namen
check-this-computers-date = Prüfe Datum und Uhrzeit dieses Computers.
if-your-network-inspects = Wenn dein Netzwerk den Verkehr mitliest, installiere sein Zertifikat auf diesem Computer.
check-the-endpoints-spelling = Prüfe die Schreibweise des Endpunkts.
tell-the-servers-owner = Sag es dem Betreiber des Servers.
it-names-no-host = sie nennt keinen Host
it-begins-neither-with-wss = sie beginnt weder mit wss:// noch mit ws://
it-is-not-text-in = es ist kein Text in UTF-8
socks-version-4-is-not = SOCKS Version 4 wird nicht unterstützt
its-scheme-is-none-of = sein Schema ist keines eines unterstützten Proxys
something-follows-the-host = auf Host und Port folgt noch etwas
port-0-cannot-be-dialled = Port 0 lässt sich nicht anwählen
the-proxy-names-no-host = es nennt keinen Host
its-user-or-password-is = Benutzer oder Passwort ist kein Text in UTF-8
socks-needs-a-user-and = SOCKS braucht einen Benutzer und ein Passwort mit je bis zu 255 Bytes
something-that-is-not-http = etwas, das kein HTTP ist
something-that-is-not-socks = etwas, das kein SOCKS 5 ist
host-and-port-of-variable = { $host }:{ $port } aus { $variable }
no-encrypted-connection-to-the = keine verschlüsselte Verbindung zum Proxy selbst: { $why }; die meisten Proxys schreibt man http://
it-takes-only-which-is = HTTP 407; er nimmt nur { $kinds } an, was nicht unterstützt wird
the-proxy-named = der Proxy { $proxy }
an-upgrade-that-is-none = ein Upgrade, das keines eines WebSockets ist
a-web-page = eine Webseite
as-a-web-server-does = die eines Webservers ({ $to })
none-of-its-certificates-can = keines seiner Zertifikate ist lesbar
it-holds-no-certificate-in = es enthält kein Zertifikat in PEM-Form
it-is-not-a-folder = es ist kein Ordner
it-is-a-folder = es ist ein Ordner; Ordner nennt man in SSL_CERT_DIR
it-is-too-large-to = es ist zu groß für eine Liste von Zertifikaten
it-is-not-a-file = es ist keine Datei
there-is-no-such-folder = einen solchen Ordner gibt es nicht
reading-them-broke-off = das Lesen brach ab
no-reason-given = kein Grund genannt
an-error-of-the-websocket = ein Fehler der WebSocket-Bibliothek
one-of-more-than = eine von mehr als { $size } MiB
name-the-certificates-of-your = Nenne die Zertifikate deines Netzwerks in PEM-Form oder entferne die Variable: Dann gelten die des Systems.
write-http-host-port = Schreib http://HOST:PORT, https://HOST:PORT, socks5://HOST:PORT oder socks5h://HOST:PORT hinein, mit USER:PASSWORD@ vor HOST, wo eine Anmeldung nötig ist (@ : / \ ? # % darin als %40 %3A %2F %5C %3F %23 %25); oder entferne die Variable.

## audio

the-device-is-in-use = { $device ->
        [speaker] Der Lautsprecher wird von einem anderen Programm genutzt. Schließe jenes Programm; wir versuchen es weiter.
       *[microphone] Das Mikrofon wird von einem anderen Programm genutzt. Schließe jenes Programm; wir versuchen es weiter.
    }
there-is-no-device = { $device ->
        [speaker] Es gibt keinen Lautsprecher. Schließe einen an; er wird genutzt, sobald er da ist.
       *[microphone] Es gibt kein Mikrofon. Schließe eines an; es wird genutzt, sobald es da ist.
    }
the-sound-system-does-not = Das Tonsystem antwortet nicht. Starte es; wir versuchen es weiter.
the-system-does-not-let = { $device ->
        [speaker] Das System lässt dieses Programm nicht an den Lautsprecher. Erlaube es in den Datenschutzeinstellungen.
       *[microphone] Das System lässt dieses Programm nicht an das Mikrofon. Erlaube es in den Datenschutzeinstellungen.
    }
the-system-has-no-resources = { $device ->
        [speaker] Das System hat nichts mehr frei, um den Lautsprecher zu öffnen. Schließe andere Programme.
       *[microphone] Das System hat nichts mehr frei, um das Mikrofon zu öffnen. Schließe andere Programme.
    }
the-device-cannot-be-used = { $device ->
        [speaker] Der Lautsprecher ist so, wie er eingestellt ist, nicht zu gebrauchen. Wähle einen anderen.
       *[microphone] Das Mikrofon ist so, wie es eingestellt ist, nicht zu gebrauchen. Wähle ein anderes.
    }
the-device-was-lost = { $device ->
        [speaker] Der Lautsprecher ist weg. Er wird wieder geöffnet, sobald er da ist.
       *[microphone] Das Mikrofon ist weg. Es wird wieder geöffnet, sobald es da ist.
    }
the-device-does-not-work = { $device ->
        [speaker] Der Lautsprecher funktioniert nicht. Er wird noch einmal geöffnet; bleibt es so, wähle einen anderen.
       *[microphone] Das Mikrofon funktioniert nicht. Es wird noch einmal geöffnet; bleibt es so, wähle ein anderes.
    }
was-unplugged-and-there-is = { $device ->
        [speaker] { $name } wurde abgezogen, und es gibt keinen anderen Lautsprecher. Schließe einen an; er wird genutzt, sobald er da ist.
       *[microphone] { $name } wurde abgezogen, und es gibt kein anderes Mikrofon. Schließe eines an; es wird genutzt, sobald es da ist.
    }
the-chosen-device-and-no-other = { $device ->
        [speaker] Der gewählte Lautsprecher ({ $id }) ist nicht da, und es gibt keinen anderen. Schließe einen an oder wähle einen anderen.
       *[microphone] Das gewählte Mikrofon ({ $id }) ist nicht da, und es gibt kein anderes. Schließe eines an oder wähle ein anderes.
    }
the-chosen-device-plug-it = { $device ->
        [speaker] Der gewählte Lautsprecher ({ $id }) ist nicht da. Schließe ihn an oder wähle einen anderen.
       *[microphone] Das gewählte Mikrofon ({ $id }) ist nicht da. Schließe es an oder wähle ein anderes.
    }
the-chosen-device-using-until = { $device ->
        [speaker] Der gewählte Lautsprecher ({ $id }) ist nicht da: { $name } wird genutzt, bis er zurück ist.
       *[microphone] Das gewählte Mikrofon ({ $id }) ist nicht da: { $name } wird genutzt, bis es zurück ist.
    }
was-unplugged-using-until = { $gone } wurde abgezogen: Bis zur Rückkehr wird { $name } genutzt.
was-unplugged-using = { $gone } wurde abgezogen: { $name } wird genutzt.
is-back-it-is-used = { $name } ist wieder da und wird wieder genutzt.
is-used-now = { $name } wird jetzt genutzt.
cannot-be-written = { $path } lässt sich nicht schreiben: { $source }
the-system-refused-a-thread = das System gibt keinen Thread für den Ton: { $error }; schließe andere Programme
the-sound-side-does-not = der Ton antwortet nicht; starte das Programm neu
the-system-refused-a-thread-close = Das System gibt keinen Thread: { $error }. Schließe andere Programme.

## base/keys

at-once = sofort
in-the-next-pause = in der nächsten Pause
with-the-next-connection = mit der nächsten Verbindung
from-the-next-start-on = ab dem nächsten Start
this-what = Das { $what }.
this-what-allowed = Das { $what }: { $allowed }.
this-did-you-mean = { $this } Meintest du „{ $meant }“?
write-a-value-or-remove = schreib einen Wert oder entferne die Zeile
a-backslash-use-single-quotes = ein Backslash in doppelten Anführungszeichen bedeutet etwas anderes als sich selbst: Nimm einfache
holds-a-line-break-or = enthält einen Zeilenumbruch oder ein anderes Steuerzeichen
allowed-is-a-whole-number = erlaubt ist eine ganze Zahl von { $from } bis { $to }
allowed-is-a-whole-number-multiple = erlaubt ist eine ganze Zahl von { $from } bis { $to }, ein Vielfaches von { $step }
allowed-is-a-number = erlaubt ist eine Zahl
allowed-is-a-number-above = erlaubt ist eine Zahl über { $from } und bis { $to }
allowed-is-a-number-from = erlaubt ist eine Zahl von { $from } bis { $to }
allowed-is-a-text-of = erlaubt ist ein Text von { $from } bis { $to } Zeichen
allowed-or-none = { $allowed } oder { $none }
allowed-is-a-multiple-of = erlaubt ist ein Vielfaches von { $step }
has-characters = hat { $n } Zeichen

## settings/api_key

the-systems-keyring = dem Schlüsselbund des Systems
the-key-file = der Schlüsseldatei
the-key-is-empty = der Schlüssel ist leer
the-key-holds-a-blank = der Schlüssel enthält ein Leerzeichen, einen Zeilenumbruch, ein Anführungszeichen, eine Klammer oder ein anderes Zeichen, das kein Schlüssel hat: Kopiere ihn noch einmal, und nichts darum herum
the-key-has-more-than = der Schlüssel hat mehr als { $most } Zeichen: Kopiere nur den Schlüssel
there-is-no-folder-to-keep = es gibt keinen Ordner für den Schlüssel: Setze { $variable } oder nenne mit --config eine Konfigurationsdatei
cannot-be-changed = { $path } lässt sich nicht ändern: { $error }
the-systems-keyring-did-not = Der Schlüsselbund des Systems hat binnen { $seconds } s nicht geantwortet: Entsperre ihn oder setze { $variable }.
the-systems-keyring-cannot-be = Der Schlüsselbund des Systems lässt sich nicht fragen.
the-key-in-the-systems = Der Schlüssel im Schlüsselbund des Systems wird nicht verwendet: { $error }.
so-its-key-is-not = { $path } { $error }, deshalb wird ihr Schlüssel nicht verwendet: Führe `chmod 600 { $path }` aus.
is-not-used = { $name } wird nicht verwendet: { $error }.
the-systems-keyring-is-locked = Der Schlüsselbund des Systems ist gesperrt oder nicht erreichbar: Entsperre ihn oder setze { $variable }.
the-systems-keyring-holds-more = Der Schlüsselbund des Systems enthält mehr als einen Schlüssel für { $service }: Lass nur einen übrig.

## file

there-is-no-such-file = eine solche Datei gibt es nicht
is-no-plain-file = ist { $what }: Leg eine gewöhnliche Datei dorthin
a-link = ein Verweis
a-folder = ein Ordner
a-pipe-or-a-device = eine Pipe oder ein Gerät
belongs-to-another-user = gehört einem anderen Benutzer: Entferne es oder mach es mit `chown` zu deinem
can-be-read-by-others = ist für andere lesbar (Modus { $mode })
cannot-be-read = lässt sich nicht lesen: { $error }
it-is-a-link-that = es ist ein Verweis, den ein anderer Benutzer angelegt hat
it-belongs-to-another = es gehört einem anderen Benutzer

## conversation/files

the-key-was-not-saved = Der Schlüssel wurde nicht gespeichert: { $problem }
the-key-was-not-removed = Der Schlüssel wurde nicht entfernt: { $problem }
the-last-choice-was-not = Die letzte Wahl wurde nicht gespeichert: { $problem }
a-fault-stopped-the-work = Ein Fehler im Programm hat die Arbeit an deinen Dateien beendet. Bitte mach es noch einmal.
demo-conversation = Demo, { $time }

## conversation/settings

the-key-is-saved-and = der Schlüssel ist gespeichert und wird verwendet, sobald die Konfigurationsdatei berichtigt ist: { $fault }

## store

there-is-no-such-conversation-any = ein solches Gespräch gibt es nicht mehr
its-sound-is-not-kept = sein Ton ist nicht aufbewahrt; mit „Auch ihren Ton aufbewahren“ in Einstellungen, Datenschutz (`keep_audio: on` in config.yaml), ist er es von da an
its-sound-cannot-be-converted = sein Ton lässt sich nicht umwandeln: { $error }
it-was-written-by-a = die Datei stammt von einer neueren Version dieses Programms (Schema { $found }, diese kennt { $known }); sie bleibt, wie sie ist
it-is-the-file-of = die Datei gehört einem anderen Programm; sie bleibt, wie sie ist
it-is-damaged = die Datei ist beschädigt ({ $why })
another-program-is-writing-to = ein anderes Programm schreibt gerade hinein
the-disk-reports-an-error = das Laufwerk meldet einen Fehler ({ $why })
the-disk-is-full = das Laufwerk ist voll
it-may-not-be-written-read = dort darf nicht geschrieben werden (schreibgeschützt)
it-may-not-be-written = dort darf nicht geschrieben werden
it-or-the-log-beside = die Datei oder das Protokoll daneben lässt sich nicht zum Schreiben öffnen
there-is-not-enough-memory = der Arbeitsspeicher reicht nicht
it-is-too-long = es ist zu lang
it-has-bytes = sie hat { $length } Bytes
cannot-be-used = ist nicht zu gebrauchen: { $error }
the-end-is-not-kept-the = Das Ende des Gesprächs ist nicht aufbewahrt: Das Laufwerk antwortet nicht.
the-end-is-not-kept = Das Ende des Gesprächs ist nicht aufbewahrt.
while-nothing-could-be-written = { $n ->
        [one] Solange nichts geschrieben werden konnte, ging { $n } Teil des Gesagten verloren.
       *[other] Solange nichts geschrieben werden konnte, gingen { $n } Teile des Gesagten verloren.
    }
the-store-of-conversations = Der Speicher der Gespräche
the-conversation-is-not-kept = Das Gespräch wird nicht aufbewahrt
what-was-deleted-may-still = Gelöschtes steht vielleicht noch in der Datei
the-kept-conversations-cannot = Die aufbewahrten Gespräche lassen sich nicht lesen
there-is-no-folder-for = es gibt keinen Ordner dafür
the-file-of-kept-conversations = { $n ->
        [one] Die Datei der aufbewahrten Gespräche war beschädigt. Eine neue enthält, was zu lesen war ({ $n } Runde); die alte ist { $name }.
       *[other] Die Datei der aufbewahrten Gespräche war beschädigt. Eine neue enthält, was zu lesen war ({ $n } Runden); die alte ist { $name }.
    }
figures-and-words-without = Messwerte und Worte ohne Antwort werden nicht aufbewahrt: { $path }: { $error }.

## settings/watch

changes-of-files-are-not = Änderungen an Dateien werden bis zum nächsten Start nicht bemerkt: { $error }
the-system-gives-no-thread = das System gibt keinen Thread
the-watch-on-your-files = Die Beobachtung deiner Dateien

## base/yaml

unknown-key = unbekannter Name
is-empty = ist leer
no-key-is-allowed-here = hier ist kein Name erlaubt
a-tab-stands-here = hier steht ein Tabulator
yaml-forbids-tabs = YAML verbietet Tabulatoren: Rücke mit Leerzeichen ein
aliases-are-followed-too-often = Verweisen (`*name`) wird zu oft gefolgt
write-the-values-out = schreib die Werte aus
nested-too-deeply = zu tief verschachtelt
at-most-128-levels-are = höchstens 128 Ebenen sind erlaubt
an-alias-of-something = ein Verweis (`*name`) auf etwas, das es nicht gibt
put-a-text-that-begins = setze einen Text, der mit `*` beginnt, in Anführungszeichen
a-key-without-a-value = ein Name ohne Wert
write-key-value-with-a = schreib `name: wert`, mit einem Leerzeichen nach dem Doppelpunkt
a-list-begins-in-the = eine Liste beginnt in der Zeile ihres Namens, oder ein Text mit `- `
begin-the-list-in-the = beginne die Liste in der nächsten Zeile oder setze den Text in Anführungszeichen
a-backslash-in-double-quotes = ein Backslash in doppelten Anführungszeichen bedeutet etwas anderes als sich selbst
write-the-text-in-single = setze den Text in einfache Anführungszeichen, wie 'C:\Users\me', oder schreib jeden Backslash doppelt
a-key-a-colon-or = ein Name, ein Doppelpunkt oder die Einrückung ist nicht da, wo es sein sollte
write-one-key-value-indented = schreib ein `name: wert` in jede Zeile, mit Leerzeichen eingerückt wie die Nachbarn; ein Text mit `: ` gehört in Anführungszeichen
a-sign-stands-here = hier steht ein Zeichen, mit dem kein Wert beginnen kann
put-texts-that-begin-with = setze Texte, die mit einem Zeichen wie `@`, `%`, `&`, `?` oder `` ` `` beginnen, in Anführungszeichen
this-cannot-be-read-as = das lässt sich nicht als YAML lesen
write-one-key-value-and = schreib ein `name: wert` in jede Zeile und setze einen Text mit Sonderzeichen in einfache Anführungszeichen
a-quote-or-a-bracket = ein Anführungszeichen oder eine Klammer ist nicht geschlossen, oder eine ist geschlossen, die nicht geöffnet war
is-value = ist `{ $value }`
is-kind = ist { $value }
allowed-is = erlaubt ist { $only }
allowed-are = erlaubt sind { $many }
the-next-line-was-read = {""} (die nächste Zeile wurde als Teil davon gelesen: Prüfe ihre Einrückung)
the-text = der Text { $text }
empty = leer
a-group-of-keys = eine Gruppe von Namen
a-group-of-keys-each = eine Gruppe von Namen, jeder als `name: wert`
a-list = eine Liste
a-whole-number-from-0 = eine ganze Zahl ab 0
a-whole-number = eine ganze Zahl
a-number = eine Zahl
true-or-false = `true` oder `false`
a-text = ein Text
one-word = ein Wort
or-word = { $first } oder `{ $word }`
close-what-was-opened-before = schließe, was davor geöffnet wurde
close-what-was-opened-at = schließe, was in { $place } geöffnet wurde
allowed-at-place = { $allowed }, in { $place }
line-and-column = Zeile { $line }, Spalte { $column }
has-too-many-values = hat zu viele Werte
at-most-50000-are-allowed = höchstens 50000 sind erlaubt, wenn man Verweisen (`*name`) folgt
has-a-tag = hat ein Tag (`!…`)
tags-have-no-meaning-here = Tags bedeuten hier nichts: Setze einen Text, der mit `!` beginnt, in Anführungszeichen
once-is-allowed = nur einmal ist erlaubt: Entferne eines von beiden
stands-here-for-the-second = steht hier zum zweiten Mal
a-second-document-begins = ein zweites Dokument beginnt
one-document-to-a-file = nur ein Dokument je Datei ist erlaubt: Entferne `---` und was folgt
this-line-is-indented-less = diese Zeile ist weniger eingerückt als die erste
keys-of-one-group-begin = die Namen einer Gruppe beginnen in derselben Spalte
only-utf-8-text-is = nur Text in UTF-8 ist erlaubt: Speichere die Datei als UTF-8
only-text-is-allowed = nur Text ist erlaubt
the-file-is-empty = die Datei ist leer
write-at-least-one-key = schreib mindestens einen Namen, als `name: wert`
the-first-is-in-line = { $what } (zuerst in Zeile { $line })
the-file-has-bytes = die Datei hat { $length } Bytes
at-most-are-allowed = höchstens { $most } sind erlaubt
byte-is-not-utf-8 = Byte { $place } der Datei ist kein UTF-8
a-control-character-stands-here = hier steht ein Steuerzeichen (U+{ $code })
brackets-are-open-at-once = { $level } Klammern sind zugleich offen
did-you-mean = ; meintest du `{ $word }`?

## profile

allowed-are-small-letters = erlaubt sind kleine Buchstaben, Ziffern und einzelne Bindestriche dazwischen, höchstens 40 Zeichen
allowed-is-the-name-of = erlaubt ist der Name eines Live-Modells ohne `models/`, etwa gemini-3.8-live
allowed-are-the-30-voices = erlaubt sind die 30 Stimmen der Live-API, von Achernar bis Zubenelgenubi, und Kennungen ihres Katalogs wie en-us-tavi
allowed-is-a-language-code = erlaubt ist ein Sprachcode wie en-US oder de
allowed-is-a-list-of = erlaubt ist eine Liste von höchstens 10 Sprachcodes wie [de, en-US] oder default
allowed-are-at-most-100 = erlaubt sind höchstens 100 Namen und Begriffe, jeder mit 1 bis 100 Zeichen in einer Zeile
allowed-are-2-to-8 = erlaubt sind 2 bis 8 Namen von Profilen, vom schnellsten bis zum besten
is-which-writes-down-what = ist `{ $text }`, das mitschreibt, was es hört, und nichts antwortet
allowed-is-a-model-that = erlaubt ist ein Modell, das spricht, etwa gemini-3.8-live
has-languages = hat { $n } Sprachen
holds-value = enthält `{ $value }`
holds-value-twice = enthält `{ $value }` doppelt
has-entries = hat { $n } Einträge
has-a-line-break-or = hat in Eintrag { $place } einen Zeilenumbruch oder ein anderes Steuerzeichen
has-characters-in-entry = hat in Eintrag { $place } { $n } Zeichen
has-names = { $n ->
        [one] hat { $n } Namen
       *[other] hat { $n } Namen
    }
a-profile-with-auto-has = ein Profil mit `auto` hat das von denen, unter denen es wählt: Schreib es dort hin
is-written = ist angegeben
the-files-name-cannot-stand = der Name der Datei kann nicht dafür stehen: Füge eine Zeile wie `name: mein-eigenes` ein
is-missing = fehlt
write-live-languages-alone = schreib nur `live.languages`: Das ist sein alter Name
is-written-besides = ist zusätzlich angegeben
allowed-is-less-than = erlaubt ist weniger als { $value }, der Wert von { $key }
allowed-is-more-than = erlaubt ist mehr als { $value }, der Wert von { $key }
allowed-is-at-most = erlaubt ist höchstens { $value }, der Wert von { $key }
allowed-is-at-least = erlaubt ist mindestens { $value }, der Wert von { $key }
is-which-this-version-does = ist `{ $name }`, das diese Version nicht kennt
only-settings-that-every-model = nur Einstellungen, die jedes Modell annimmt, werden ihm gesendet
is-name-which = ist `{ $name }`, das { $what }
use-successor = nimm { $successor }
does-nothing = bewirkt nichts
model-not-known = Modell: { $name }, das diese Version nicht kennt.
model-does-not-think = Modell: { $name }, das nicht nachdenkt.
model-thinks-by-itself = Modell: { $name }, das von selbst nachdenkt.
model-thinks-as-set = Modell: { $name }, das so viel nachdenkt, wie `live.thinking` sagt.
as-it-does-not-think = denn { $name } denkt nicht nach, und wie viel, lässt sich nicht sagen: Entferne es
as-it-thinks-by-itself = denn { $name } denkt von selbst nach, und wie viel, lässt sich nicht sagen: Entferne es
is-of-the-catalogue-which = ist `{ $voice }` aus dem Katalog, den Modelle vor 3.8 nicht kennen
use-one-of-the-prebuilt = nimm eine der fertigen Stimmen, etwa Kore, oder gemini-3.8-live
ended-on = am { $on } eingestellt wurde
may-have-ended-with-its = vielleicht mit seiner letzten Vorschau am 2026-11-17 eingestellt wurde
the-profile-cannot-be-used = das Profil `{ $name }` ist nicht zu gebrauchen: { $fault }
unknown-profile = unbekanntes Profil `{ $name }`. Es gibt: { $known }
unknown-profile-did-you-mean = unbekanntes Profil `{ $name }`: meintest du `{ $meant }`? Es gibt: { $known }
its-last-good-version = {""} Seine letzte richtige Fassung, `{ $name }`, gilt weiter.
the-profile-is-in-already = { $file }: Das Profil `{ $name }` steht schon in { $other }. Dieses gilt: Gib einem von beiden einen anderen `name:`.
the-file-is-left-out-built = {""} Die Datei wird ausgelassen: Das mitgelieferte `{ $name }` gilt.
the-file-is-left-out = {""} Die Datei wird ausgelassen.

## settings

allowed-is-a-text-on = erlaubt ist ein Text in einer Zeile
allowed-is-an-address-wss = erlaubt ist eine Adresse, die mit wss:// beginnt, auf diesem Computer auch mit ws://
allowed-is-a-number-of = erlaubt ist eine Zahl von Tagen wie 30d oder off oder forever
allowed-is-the-path-of = erlaubt ist der Pfad eines Ordners
allowed-is-an-address-of = erlaubt ist eine Adresse dieses Computers mit einem Port, etwa 127.0.0.1:9464
allowed-are-16-to-200 = erlaubt sind 16 bis 200 Buchstaben, Ziffern und Zeichen ohne Leerzeichen; ohne die Zeile wird eines gemacht
allowed-is-an-address-https = erlaubt ist eine Adresse, die mit https:// beginnt, auf diesem Computer auch mit http://
allowed-is-a-size-and = erlaubt sind Größe und Ort wie 1100x720+40-30
the-choices-in-this-file = { $what }. Was in dieser Datei gewählt ist, wird ausgelassen: Entferne sie.
there-is-no-folder-for-configuration = es gibt keinen Ordner für die Konfiguration: Nenne mit --config eine Datei
the-file-is-left-as = { $fault } Die Datei bleibt, wie sie ist: Berichtige sie zuerst
cannot-be-written-make-it = { $path } lässt sich nicht schreiben: { $error }. Mach die Datei beschreibbar oder nenne mit --config eine andere
this-cannot-be-changed-by = { $place }: Das lässt sich nicht für sich ändern, schreib `{ $key }` dort von Hand
is-gone-put-it-back = { $name } ist weg: Leg die Datei zurück oder starte ohne sie neu
is-a-link-to-a = { $name } ist ein Verweis auf eine Datei, die es nicht gibt
the-file-is-empty-now = { $name }:1:1: Die Datei ist jetzt leer: Schreib sie noch einmal oder starte damit neu
does-not-say = nennt `{ $lacks }` nicht
both-in-and-out-are = `in` und `out` sind beide nötig, die US-Dollar für eine Million Tokens dessen, was gesendet und was geantwortet wird
the-us-dollars-for-a = die US-Dollar für eine Million Tokens
in-us-dollars = in US-Dollar
there-is-no-setting = Eine Einstellung `{ $name }` gibt es nicht.
this-cannot-be-left-out = Das darf nicht fehlen: { $allowed }.
has-characters-or-some = hat { $n } Zeichen oder solche, die sich nicht senden lassen
is-no-address-that-alerts = ist keine Adresse, an die Warnungen gesendet werden können
variables-have-no-meaning-here = Variablen bedeuten hier nichts: Schreib `~/` für deinen persönlichen Ordner oder den ganzen Pfad
is-your-own-home-folder = `~` ist nur dein eigener persönlicher Ordner: Schreib `~/` und was folgt oder den ganzen Pfad
is-not-a-url-allowed = ist keine URL; erlaubt ist wss://HOST oder auf diesem Computer ws://127.0.0.1:PORT
does-not-begin-with-wss = beginnt nicht mit wss:// oder ws://; die Live-API wird nur über WebSocket gesprochen
names-no-host-allowed = nennt keinen Host; erlaubt ist wss://HOST oder auf diesem Computer ws://127.0.0.1:PORT
would-send-speech-unencrypted = würde Sprache unverschlüsselt durch das Netzwerk senden; ws:// ist nur auf diesem Computer erlaubt (127.0.0.1, localhost), nimm wss://
holds-a-user-name-or = enthält einen Benutzernamen oder ein Passwort; entferne sie, der Schlüssel wird von selbst gesendet, wo er es darf
holds-a-key-put-it = enthält einen Schlüssel; setze ihn stattdessen in GEMINI_API_KEY, denn Adressen werden gezeigt und protokolliert
holds-a-which-no-websocket = enthält ein `#`, was keine WebSocket-Adresse darf
the-profile-is-shipped-with = das Profil `{ $name }` ist mitgeliefert: Es gibt keine Datei zu entfernen
there-is-no-folder-for-profiles = es gibt keinen Ordner für Profile: Nenne mit --config eine Konfiguration
is-there-already-and-is = { $file } gibt es schon und wird nicht verwendet: Berichtige oder entferne die Datei zuerst
this-was-changed-in-the = { $place }: Das wurde inzwischen in der Datei geändert und bleibt dort, wie es ist
cannot-be-written-make-the = { $file } lässt sich nicht schreiben: { $error }. Mach den Ordner beschreibbar oder nenne mit --config eine Konfiguration in einem anderen
there-is-no-key-named = eine Einstellung `{ $key }` gibt es nicht
this-file-and-those-behind = diese Datei und die folgenden werden ausgelassen: Mehr als { $most } werden nicht gelesen

## profiles (English: src/profile/table.rs)

profile-ultra-fast = Ultraschnell
profile-ultra-fast-about = So wenig Warten wie möglich: kleine Puffer, wenig Geduld, kurze Antworten. Für ein Headset und einen ruhigen Raum.
profile-balanced = Ausgewogen
profile-balanced-about = Schnell, und geduldig genug für gewöhnliches Reden. Das übliche.
profile-high-quality = Hohe Qualität
profile-high-quality-about = Mehr Geduld, saubererer Ton und ein längeres Gedächtnis. Für Lautsprecher, Lärm und lange Gedanken.
profile-low-data = Wenig Daten
profile-low-data-about = Wenige Bytes: kurze Antworten, die nur gesprochen werden, und keine, die verworfen wird. Für Mobilfunk und Tarife nach Menge.
profile-auto = Automatisch
profile-auto-about = Wählt unter den ersten drei nach dem, was Dienst, Netzwerk und dieser Computer erlauben, und sagt, warum.

## provider/gemini

code-no-reason-given = Code { $code }, kein Grund genannt
what-it-answers-to-the = was er auf die Einrichtung antwortet, ist keine Nachricht eines Live-Dienstes

## cli/start_conversation

is-not-there-the-defaults = { $file } gibt es nicht: Es gelten die üblichen Werte.
configuration-file-is-used = Konfigurationsdatei: { $unknown }. Verwendet wird { $default }.
a-bundled-question-is-spoken = { $none }: Stattdessen wird eine Beispielfrage gesprochen. Schließe eines an und starte neu, um selbst zu sprechen.
there-is-no-speaker-or = Es gibt weder Lautsprecher noch Kopfhörer: Antworten sind nicht zu hören.

## dates, numbers, and what was put together before

months-short = Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.
months = Januar Februar März April Mai Juni Juli August September Oktober November Dezember
weekdays = Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag
day-month-time = { $day }. { $month } { $time }
weekday-day-month = { $weekday }, { $day }. { $month }
decimal-separator = ,
cost-in-dollars = { $amount } $
cost-at-most = höchstens { $cost }
percent-of-a-core = { $percent } % eines Kerns
sending = Senden
playing = Abspielen
variation = Schwankung
check-good = gut
alert-and-its-limits = { $n ->
        [one] { $about } Die Grenze ist { $limits } unter `alerts:` im Profil.
       *[other] { $about } Die Grenzen sind { $limits } unter `alerts:` im Profil.
    }
queues = Warteschlangen
turns = Runden
answered = Beantwortet
threads = Threads
memory-lower = Speicher
response = Antwortzeit
interrupted = Unterbrochen
stutters = Aussetzer
too-loud = zu laut: { $percent } % des Tons sind verzerrt
lower-its-level = Senke seinen Pegel in den Toneinstellungen des Systems.
move-away-from-what-hums = Geh weg von dem, was brummt, oder wähle das Profil „Hohe Qualität“: Es nimmt Rauschen heraus.
go-nearer-to-the-microphone = Geh näher an das Mikrofon oder erhöhe seinen Pegel in den Toneinstellungen.
the-microphone-did-not-hear = das Mikrofon hat den Lautsprecher nicht gehört
turn-the-speaker-up = Wenn du ihn auch nicht gehört hast, dreh den Lautsprecher auf.
it-comes-back-louder = es kommt nach { $ms } ms zurück, { $db } dB lauter
it-comes-back-quieter = es kommt nach { $ms } ms zurück, { $db } dB leiser
turn-the-speaker-down = Dreh den Lautsprecher leiser, stell ihn weiter weg vom Mikrofon oder nutze ein Headset.
wireless-speakers-are-late = Drahtlose Lautsprecher sind spät dran: Mit einem am Kabel hörst du Antworten früher.
demo-place = Demo
local-server = Lokaler Server
own-server = Eigener Server
nothing-is-sent = Nichts wird gesendet: { $fault }
correct-the-file = Berichtige die Datei: Das Programm verbindet, sobald sie gespeichert ist. Oder starte mit --demo oder --endpoint; sie haben Vorrang.
not-kept-any-more = Dieses Gespräch ist nicht mehr aufbewahrt.
unheard-unplayable = Der Dienst hat Ton der Art { $mime } gesendet, der sich nicht abspielen lässt
unheard-broken-off = Der Dienst hat seine Antwort abgebrochen, bevor etwas zu hören war
unheard-near-silent = Der Dienst hat einen Ton gesendet, der zu leise zum Hören ist
unheard-text-only = Der Dienst hat seine Antwort geschrieben und nicht gesprochen
unheard-tool = Der Dienst wollte ein Werkzeug, das dieses Programm nicht hat, und sagte nichts
unheard-nothing = Der Dienst hat die Runde ohne Antwort beendet
ask-again-or-take-another-model = Frag noch einmal; geschieht es wieder, nimm ein anderes Modell (`live.model` im Profil).
read-it-in-the-conversation = Lies sie im Gespräch.
ask-again-or-in-other-words = Frag noch einmal oder sag es mit anderen Worten.
ended-rejected = Der Dienst hat seine eigene Antwort verworfen
ended-input-refused = Der Dienst beantwortet das Gesagte nicht, wegen seiner Regeln für Inhalte
ended-output-refused = Der Dienst hat seine Antwort zurückgehalten, wegen seiner Regeln für Inhalte
ended-malformed-call = Der Dienst wollte ein Werkzeug auf eine Weise nutzen, die nicht geht
ended-needs-more = Der Dienst wartet, dass du mehr sagst
say-it-in-other-words = Sag es mit anderen Worten.
go-on-speaking = Sprich weiter.
nothing-is-kept-until-corrected = Nichts wird aufbewahrt, und frühere Gespräche werden nicht gezeigt, bis die Konfigurationsdatei berichtigt ist.
ask-again-sentence = Frag noch einmal.

## ui/diagnostics and ui/sent

diagnostics = Diagnose
the-report-holds-no = Der Bericht enthält Versionen, Geräte und Messwerte: keinen Schlüssel, keinen Ton, nichts Gesagtes.
microphone-released-while-muted = Du bist stumm: das Mikrofon ist freigegeben.
n-samples-lost =
    { $n ->
        [0] nichts verloren
       *[other] { $n } Abtastwerte verloren
    }
n-gaps =
    { $n ->
        [0] keine Aussetzer
        [one] { $n } Aussetzer
       *[other] { $n } Aussetzer
    }
blocks-of = {" "}· Blöcke von { $time }
change-the-key = Ändern
alerts-heading = Warnungen
no-alert-is-raised = Es gibt keine.
none-in-use = Keines in Gebrauch.
connection-in-words = { $place }: { $state } · Umlaufzeit { $trip } · { $lost } unterwegs verloren
sent-since-the-start = Gesendet seit dem Start
sent-and-cost = Gesendet, und was es gekostet hat
free-the-demo-sends-nothing = Kostenlos: Die Demo sendet nichts
the-demo-costs-nothing-what = Die Demo antwortet in diesem Programm. Sobald du einen Schlüssel eingegeben hast, steht hier, was an den Dienst gesendet wurde und was es gekostet hat.
sent-today = Heute gesendet
bytes-sound-tokens-cost = { $bytes } · { $sound } Ton · { $tokens } Tokens · { $cost }
what-sent-means = Bytes und Ton, die an den Dienst gingen, Tokens, die er in beiden Richtungen gezählt hat, und was sie kosten, soweit Preise bekannt sind. Abgerechnet wird beim Dienst.

## Settings: names, meanings and reasons. English is in src/profile/table.rs and src/settings/config/table.rs.

key-name = Name auf der Befehlszeile
key-name-about = Der Name auf der Befehlszeile; fehlt er, ist es der Name der Datei.
key-extends = Grundlage
key-extends-about = Das mitgelieferte Profil, aus dem kommt, was die Datei auslässt. Ohne diese Angabe ist es das mitgelieferte Profil desselben Namens, sonst balanced.
key-label = Name
key-label-about = Der Name im Fenster.
key-description = Beschreibung
key-description-about = Wofür es da ist, in einem Satz.
key-target_ms = Ziel der Antwortzeit
key-target_ms-about = Die Antwortzeit, an der eine Runde gemessen wird, in Millisekunden: vom Ende deines Beitrags bis zum ersten Ton der Antwort.
key-target_ms-why-0 = 200 fühlt sich im Gespräch unter Menschen an, als gäbe es kein Warten; mit dem Anteil des Dienstes wird das selten erreicht.
key-target_ms-why-1 = 300 ist etwa die Pause, die Menschen zwischen zwei Beiträgen lassen.
key-target_ms-why-2 = Bei 400 wirkt ein Zuhörer noch aufmerksam.
key-target_ms-why-3 = Bei 400 wirkt ein Zuhörer noch aufmerksam, und einer Mobilfunkleitung bleiben ihre 100 ms.
key-target_ms-why-4 = 300 ist etwa die Pause, die Menschen zwischen zwei Beiträgen lassen. Ein Profil wird gegen ein schnelleres getauscht, wenn das die Antwortzeiten dem Ziel um mehr näher bringt, als die verlorene Qualität wert ist.
key-audio-period_frames = Tonpuffer der Geräte
key-audio-period_frames-about = So viele Frames übergibt ein Gerät auf einmal (eine Periode); bei 48 kHz sind 480 Frames 10 ms. Ton wartet auf dem Weg hinein etwa eine Periode lang, auf dem Weg hinaus eine bis zwei. Eine kurze Periode weckt den Prozessor öfter; ein Gerät, das stockt, bekommt von selbst eine längere.
key-audio-period_frames-why-0 = 256 sind 5,3 ms: So viel schaffen übliche Geräte, ohne zu stocken.
key-audio-period_frames-why-1 = 512 sind 10,7 ms: Sie wecken den Prozessor halb so oft wie 256 und laufen ruhig, auch wenn der Computer ausgelastet ist.
key-audio-period_frames-why-2 = 1024 sind 21 ms: Sie wecken den Prozessor am seltensten und sind auch bei drahtlosen Geräten sicher.
key-audio-resampler_taps = Länge des Abtastratenfilters
key-audio-resampler_taps-about = Länge des Filters, der Abtastraten umrechnet. Ein längerer ist sauberer und später.
key-audio-resampler_taps-why-0 = 64 verzögern Sprache um 0,6 ms und dämpfen Spiegelfrequenzen ab 10 kHz um 69 dB (gemessen).
key-audio-resampler_taps-why-2 = 128 verzögern Sprache um 1,3 ms und dämpfen Spiegelfrequenzen ab 10 kHz um mehr als 140 dB (gemessen).
key-audio-prebuffer_ms = Puffer der Antwort
key-audio-prebuffer_ms-about = So viel Ton der Antwort wird vor dem Abspielen gesammelt, in Millisekunden. Es wird mehr, solange Antworten stocken.
key-audio-prebuffer_ms-why-0 = 0 spielt das erste Paket sofort ab: Nichts kommt hinzu, und ein Netzwerk, das schwankt, ist einmal zu hören.
key-audio-prebuffer_ms-why-1 = 20 verbirgt, wie unregelmäßig Pakete gewöhnlich ankommen, und fällt nicht auf.
key-audio-prebuffer_ms-why-2 = 40 verbirgt zwei verspätete Pakete von 20 ms.
key-audio-prebuffer_ms-why-3 = 40 verbirgt zwei verspätete Pakete von 20 ms: Mobilfunkleitungen schwanken.
key-audio-preroll_ms = Mitgesendeter Ton von vorher
key-audio-preroll_ms-about = So viel Ton von vor dem Sprechbeginn wird mitgesendet, in Millisekunden, damit keine erste Silbe abgeschnitten wird. Das kostet keine Zeit, nur 32 Byte pro Millisekunde.
key-audio-preroll_ms-why-0 = 200 deckt die Sprache ab, die hier für einen Beginn nötig ist (60 bis 100 ms), und den stimmlosen Konsonanten davor.
key-audio-preroll_ms-why-1 = 300 bewahrt auch leise Anfänge.
key-audio-preroll_ms-why-2 = 400 bewahrt einen Atemzug und leise Anfänge.
key-audio-preroll_ms-why-3 = 200 deckt die Sprache ab, die hier für einen Beginn nötig ist, und den stimmlosen Konsonanten davor, mit 4 kB weniger pro Äußerung als balanced.
key-audio-echo_cancellation = Echounterdrückung
key-audio-echo_cancellation-about = Ob die Antwort aus dem Mikrofonsignal entfernt wird: `auto` bei Lautsprechern und bei einem Headset, dessen Ton ins Mikrofon dringt. Das kostet 8 ms. Bei einem dichten Headset gingen dadurch deine ersten Worte verloren.
key-audio-noise_suppression = Rauschunterdrückung
key-audio-noise_suppression-about = Entfernt Geräusche: `light` und `on` senken gleichmäßiges Rauschen um etwa 6 und 12 dB und kosten 6 ms; `keyboard` senkt mit einem neuronalen Netz auch Geräusche, die kommen und gehen, und kostet 10 ms.
key-audio-noise_suppression-why-0 = Hier aus: Es würde 6 ms kosten, und ein Headset hört wenig Rauschen.
key-audio-noise_suppression-why-1 = Hier leicht: 6 ms dafür, dass ein Lüfter nicht mitgesendet wird.
key-audio-noise_suppression-why-2 = Hier ein: Für Räume mit Geräuschen ist dieses Profil da.
key-audio-gain_control = Pegelausgleich
key-audio-gain_control-about = Hebt leise Stimmen an und senkt laute.
key-audio-gain_control-why-0 = Hier aus: Zum Ton kommt nichts hinzu.
key-audio-gain_control-why-1 = Hier ein: Auch wer sich zurücklehnt, wird gehört.
key-detector-kind = Spracherkenner
key-detector-kind-about = `webrtc` (webrtc-vad) hört Sprache in Ruhe nach 50 ms, aber ein Lüfter oder eine Tastatur kann ihn eingeschaltet halten. `earshot`, ein kleines neuronales Netz, hört sie 38 bis 58 ms später (Median, saubere Sprache) und fällt auf beides nicht herein.
key-detector-kind-why-0 = Hier webrtc: Er ist der schnellere.
key-detector-kind-why-1 = Hier earshot: In Räumen gibt es Lüfter und Tastaturen.
key-detector-aggressiveness = Strenge des Spracherkenners
key-detector-aggressiveness-about = Modus von webrtc-vad oder Schwelle von earshot: 0 lässt viel durch, 3 wenig. Gemessen mit webrtc an Sprache, deren Anfang und Ende bekannt sind: 2 setzt nach etwa 50 ms sauberer Sprache ein und verpasst 0,0 % davon; 0 hält einen Lüfter zehnmal pro Minute für Sprache, 3 verpasst ein Zehntel von jemandem, der leise spricht.
key-detector-onset_idle_ms = Sprache, die einen Beitrag beginnt
key-detector-onset_idle_ms-about = So viel Sprache ist für einen Sprechbeginn nötig, solange nichts abgespielt wird, in Millisekunden.
key-detector-onset_idle_ms-why-0 = 60 ist der kürzeste Wert, den ein Klicken oder Husten nicht erreicht.
key-detector-onset_idle_ms-why-1 = 40 mit earshot: ein Sprechbeginn nach 96 ms sauberer Sprache (Median, gemessen) und keiner in einer Minute Tastatur oder Lüfter.
key-detector-onset_idle_ms-why-2 = 50 mit earshot: 10 ms mehr als balanced, für Räume mit Geräuschen, wo ein falscher Sprechbeginn mehr kostet als das.
key-detector-onset_playing_ms = Sprache, die eine Antwort unterbricht
key-detector-onset_playing_ms-about = Dasselbe, während eine Antwort läuft: Ein falscher Sprechbeginn bricht sie ab. Nicht weniger als `onset_idle_ms`.
key-detector-onset_playing_ms-why-0 = 100 lässt etwas Spielraum für eine Antwort, die ins Mikrofon dringt.
key-detector-onset_playing_ms-why-1 = 60 mit earshot: kein Sprechbeginn in einer Minute Tastatur oder Lüfter.
key-detector-onset_playing_ms-why-2 = 70 mit earshot: 10 ms mehr als balanced.
key-turn-detection = Wer das Ende deines Beitrags erkennt
key-turn-detection-about = Wer Anfang und Ende eines Beitrags findet: `manual` ist unser Erkenner (früher, und Stille wird nicht gesendet), `automatic` der des Dienstes (alles, was zu hören ist, wird gesendet und bezahlt).
key-turn-patience_ms = Pause, die deinen Beitrag beendet
key-turn-patience_ms-about = Die Geduld: Stille, nach der ein Beitrag zu Ende ist, in Millisekunden. Sie wird ganz abgewartet.
key-turn-patience_ms-why-0 = 300 ist das Mindeste, bei dem die meisten Pausen innerhalb eines Satzes (200 bis 500 ms) möglich bleiben; wer laut denkt, dem wird ins Wort gefallen.
key-turn-patience_ms-why-1 = 500 ist das obere Ende der Pausen innerhalb eines Satzes (200 bis 500 ms).
key-turn-patience_ms-why-2 = 700 lässt dich innehalten und nachdenken; jede Antwort kommt um so viel später.
key-turn-eager_endpoint = Früh antworten
key-turn-eager_endpoint-about = Schließt den Beitrag früh: sobald das Nachdenken des Dienstes den Rest der Geduld verdeckt, frühestens nach 120 ms Stille. Die Antwort wird zurückgehalten, bis die Geduld um ist; sprichst du weiter, wird sie verworfen, und dein Beitrag geht weiter. Das kostet Tokens für Antworten, die niemand hört; sie werden gezählt. Das Programm lernt deine Pausen und wartet so lange, wie sie dauern.
key-turn-eager_endpoint-why-0 = Hier ein: Antworten kommen früher.
key-turn-eager_endpoint-why-3 = Hier aus: Auch eine verworfene Antwort ist über die Leitung gekommen, mit 64 kB pro Sekunde.
key-turn-eager_waste_percent = Höchste Verschwendung durch frühe Antworten
key-turn-eager_waste_percent-about = Was verworfene Antworten höchstens kosten dürfen, in Prozent der Tokens der letzten 20 Runden. Könnte eine weitere zu viel sein, werden Beiträge erst nach der vollen Geduld geschlossen, bis genug Runden gut gegangen sind. 10 ist etwa eine verworfene Antwort in 17 Runden; unter 9 wird kein Beitrag früh geschlossen; 100 ist keine Grenze.
key-turn-adaptive_patience = Meinen Pausen folgen
key-turn-adaptive_patience-about = Lässt die Geduld den Pausen folgen, die du machst: von der Hälfte von `patience_ms` bis zum Doppelten.
key-turn-hold_pauses = Stille zurückhalten
key-turn-hold_pauses-about = Hält Stille in deinem Beitrag zurück, bis du weitersprichst; so wird die Stille an seinem Ende nie gesendet. Nur für `detection: manual`: Der Erkenner des Dienstes braucht die Stille.
key-turn-hold_pauses-why-0 = Hier aus: Eine Pause ist schon beim Dienst, wenn du weitersprichst.
key-turn-hold_pauses-why-3 = Hier ein: Eine halbe Sekunde Stille am Ende jedes Beitrags sind 23 kB.
key-turn-barge_in = Durch Sprechen unterbrechen
key-turn-barge_in-about = Ob Sprechen eine Antwort unterbricht: `auto`, außer wenn das Mikrofon die Antwort hören würde.
key-turn-backchannel_ms = Kurze Laute, die nicht unterbrechen
key-turn-backchannel_ms-about = Ein Laut während einer Antwort, der binnen so vieler Millisekunden vorbei ist, macht sie leiser, beendet sie aber nicht: ein „mhm“, ein Husten. 400 ist länger als die meisten davon.
key-turn-automatic-start_sensitivity = Empfindlichkeit am Anfang
key-turn-automatic-start_sensitivity-about = Wie leicht etwas als Anfang von Sprache gilt.
key-turn-automatic-end_sensitivity = Empfindlichkeit am Ende
key-turn-automatic-end_sensitivity-about = Wie leicht etwas als Ende von Sprache gilt.
key-turn-automatic-prefix_padding_ms = Sprache, bis ein Anfang gilt
key-turn-automatic-prefix_padding_ms-about = So viel Sprache ist nötig, bis ein Anfang gilt, in Millisekunden.
key-turn-automatic-silence_ms = Stille, bis ein Ende gilt
key-turn-automatic-silence_ms-about = So viel Stille ist nötig, bis ein Ende gilt, in Millisekunden. Ist sie lang, wirkt es träge; ist sie kurz, wird dir ins Wort gefallen.
key-turn-automatic-silence_ms-why-0 = 300 ist die Geduld von oben.
key-turn-automatic-silence_ms-why-1 = 500 ist die Geduld von oben.
key-turn-automatic-silence_ms-why-2 = 700 ist die Geduld von oben.
key-live-model = Modell
key-live-model-about = Name eines Live-Modells; `sovereign doctor --live` nennt die, mit denen dein Schlüssel sprechen kann.
key-live-voice = Stimme dieses Profils
key-live-voice-about = Eine der vorgefertigten Stimmen (Zephyr, Puck, Charon, Kore, Fenrir, Leda, Orus, Aoede …) oder eine Kennung aus dem Katalog wie en-us-tavi (ab gemini-3.8-live).
key-live-languages = Sprachen, die du sprichst, mit diesem Profil
key-live-languages-about = Was du sprichst und worin du Antwort bekommst, die übliche Sprache zuerst: [de, en-US]. `default` ist die Sprache deines Systems, [] jede, die du sprichst. Mitgeschrieben wird in diesen Sprachen, und ein undeutliches Wort wechselt die Sprache nicht.
key-live-vocabulary = Namen und besondere Wörter
key-live-vocabulary-about = Namen und Begriffe, die du sagst und die falsch verstanden werden: [Ada, Kubernetes].
key-live-temperature = Freiheit der Wortwahl
key-live-temperature-about = Wie frei das Modell seine Worte wählt, von 0 (die naheliegendsten) bis 2 (weit hergeholte).
key-live-thinking = Nachdenken
key-live-thinking-about = Wie viel das Modell nachdenkt, bevor es antwortet. Nachdenken kostet Antwortzeit, und nur manche Modelle kennen diese Einstellung; gemini-3.8-live entscheidet selbst.
key-live-instruction = Anweisung
key-live-instruction-about = Die Anweisung für das Modell. Datum, Zeitzone und Sprachregion kommen hinzu.
key-live-answer_length = Länge der Antworten
key-live-answer_length-about = `short` bittet um ein oder zwei Sätze, `free` um so viele, wie die Frage braucht.
key-live-answer_length-why-0 = Kurze sind früher vorbei.
key-live-answer_length-why-1 = Freie nehmen sich die Zeit, die sie brauchen.
key-live-answer_length-why-3 = Hier kurz: Eine Sekunde einer Antwort sind 64 kB, mehr als eine Sekunde einer Frage.
key-live-reply_transcript = Antworten mitschreiben
key-live-reply_transcript-about = Ob Antworten nicht nur gesprochen, sondern auch mitgeschrieben werden. Sonst hat eine Antwort keine Worte im Fenster, im Terminal, in JSON und in aufbewahrten Gesprächen und lässt sich nicht suchen; deine Worte sind da. Einer neuen Sitzung wird mitgeteilt, was du gesagt hast, nicht, was geantwortet wurde. Schreibt ein Modell seine Antworten trotzdem mit, werden sie wie sonst gezeigt.
key-live-reply_transcript-why-0 = Hier ein: Was gesagt wurde, lässt sich nachlesen und wiederfinden.
key-live-reply_transcript-why-3 = Hier aus: Die Worte einer Antwort kommen zusätzlich zu ihrem Ton über die Leitung.
key-live-google_search = Im Web suchen
key-live-google_search-about = Ob das Modell im Web suchen darf. Eine Suche dauert eine Sekunde oder länger und kostet extra.
key-live-reply_deadline_ms = Zeit, bis eine Antwort als spät gilt
key-live-reply_deadline_ms-about = Nach so vielen Millisekunden ohne Antwort erscheint ein Hinweis, und du kannst noch einmal fragen. Das Warten geht weiter: Die langsamsten Antworten brauchen 16 s.
key-live-compress_at_tokens = Die ältesten Runden vergessen ab
key-live-compress_at_tokens-about = Erreicht das Gespräch so viele Tokens (Sprache hat etwa 25 pro Sekunde), lässt der Dienst die ältesten Runden weg. In jeder Runde wird alles bezahlt, was noch da ist.
key-live-compress_at_tokens-why-0 = 16000: höchstens etwa zehn Minuten Gespräch, damit vor jeder Antwort am wenigsten zu lesen ist.
key-live-compress_at_tokens-why-1 = 24000: eine Viertelstunde Gespräch, zum Anderthalbfachen der Kosten von ultra-fast.
key-live-compress_at_tokens-why-2 = 32000: zwanzig Minuten Gespräch, zum Doppelten der Kosten von ultra-fast.
key-live-compress_to_tokens = Nach dem Vergessen bleiben
key-live-compress_to_tokens-about = Tokens, die dann übrig sind: weniger als `compress_at_tokens`.
key-live-language = Sprache
key-live-language-about = Der alte Name von `live.languages`.
key-live-media_resolution = Bildauflösung
key-live-media_resolution-about = Wie genau Bilder gelesen werden. Das Programm sendet noch keine.
key-auto-among = Profile zur Auswahl
key-auto-among-about = Die Profile, unter denen gewählt wird, vom schnellsten bis zum besten.
key-auto-prefer = Vorliebe
key-auto-prefer-about = Was ein Schritt zum nächstbesseren Profil wert ist: `speed` 10 ms über dem Ziel, `balance` 20, `quality` 40. In simulierten Gesprächstagen kostet `balance` 5 ms pro Runde mehr als die im Nachhinein beste Wahl; eine Regel nach dem Mittel von zehn Runden kostet 19 mehr.
key-auto-changes_per_hour = Wechsel pro Stunde
key-auto-changes_per_hour-about = Höchstens so viele Profilwechsel in einer Stunde; bei 0 bleibt es bei der ersten Wahl. Die meisten brauchen eine andere Verbindung; sie wird in einer Pause geöffnet.
key-auto-power_saving = Strom sparen
key-auto-power_saving-about = Im Akkubetrieb: längere Perioden der Tongeräte, keine Rauschunterdrückung, kein Pegelausgleich, weniger Bilder des Fensters.
key-alerts-first_audio_ms = Warnung: erster Ton trifft ein nach
key-alerts-first_audio_ms-about = Der Median deiner letzten fünf Runden (mindestens drei), in Millisekunden: vom Ende deines Beitrags, bis der erste Ton der Antwort eintrifft. Über 2 Sekunden fragt man sich, ob man gehört wurde.
key-alerts-response_ms = Warnung: Antwort zu hören nach
key-alerts-response_ms-about = Der Median der Antwortzeit deiner letzten fünf Runden (mindestens drei), in Millisekunden: vom Ende deines Beitrags bis zum ersten Ton, den du hörst.
key-alerts-success_percent = Warnung: beantwortete Runden unter
key-alerts-success_percent-about = Der kleinste Anteil deiner letzten 20 Runden (mindestens zehn), die eine Antwort bekamen, in Prozent. Die von dir selbst beendeten zählen nicht.
key-alerts-memory_mb = Warnung: Speicher über
key-alerts-memory_mb-about = Belegter Arbeitsspeicher dieses Programms, in Millionen Byte. Mit dem Fenster braucht es 100 bis 150.
key-alerts-memory_growth_mb = Warnung: Speicher wächst um
key-alerts-memory_growth_mb-about = Wie viel dieser Speicher seit dem Start gewachsen ist, in Millionen Byte, solange er weiter wächst (nach dem Anstieg über 45 Minuten).
key-alerts-cpu_percent = Warnung: Prozessorlast über
key-alerts-cpu_percent-about = Die Last aller Prozessoren zusammen, im Mittel von zehn Sekunden, in Prozent; ohne den Anteil dieses Programms, außer wenn Ton verloren ging. Über 80 beginnt der Ton zu warten.
key-alerts-interruptions_percent = Warnung: unterbrochene Antworten über
key-alerts-interruptions_percent-about = Der Anteil der Antworten auf deine letzten 20 Runden, die du unterbrichst, in Prozent.
key-alerts-cut_offs_percent = Warnung: dir ins Wort gefallen über
key-alerts-cut_offs_percent-about = Der Anteil deiner letzten 20 Runden, in denen dein Beitrag zu früh geschlossen wurde, in Prozent: Du hast binnen einer Sekunde weitergesprochen.
key-alerts-stutters = Warnung: Aussetzer
key-alerts-stutters-about = Wie oft binnen zehn Sekunden einer Antwort vor ihrem Ende der Ton ausging.
key-profile = Verwendetes Profil
key-profile-about = Das Profil, mit dem begonnen wird.
key-input_device = Mikrofon
key-input_device-about = Das Mikrofon, nach seiner Kennung in `sovereign devices`. Ohne diese Angabe folgt das Programm dem Standard des Systems.
key-output_device = Lautsprecher
key-output_device-about = Der Lautsprecher, nach seiner Kennung in `sovereign devices`. Ohne diese Angabe folgt das Programm dem Standard des Systems.
key-endpoint = Adresse des Dienstes
key-endpoint-about = Die Adresse eines anderen Servers, der die Live API spricht.
key-detection = Wer das Ende deines Beitrags erkennt, in allen Profilen
key-detection-about = Wer erkennt, dass du sprichst, anstelle von `turn.detection` des Profils.
key-echo_cancellation = Echounterdrückung in allen Profilen
key-echo_cancellation-about = Ob die Antwort aus dem Mikrofonsignal entfernt wird, anstelle von `audio.echo_cancellation` des Profils.
key-voice = Stimme in allen Profilen
key-voice-about = Die Stimme, was immer das Profil sagt (`live.voice`).
key-languages = Sprachen, die du sprichst, in allen Profilen
key-languages-about = Die Sprachen, die du sprichst, was immer das Profil sagt (`live.languages`).
key-talk_key = Sprechtaste
key-talk_key-about = Was die Sprechtaste tut: `hold` öffnet das Mikrofon, solange sie gedrückt ist, `tap` mit einem Druck bis zum nächsten.
key-global_key = Sprechtaste in jedem Fenster
key-global_key-about = Eine Sprechtaste, die in jedem Fenster wirkt, etwa `F9`, `Ctrl+Alt+Space` oder `Mouse8`.
key-media_keys = Medientasten und Knopf am Headset
key-media_keys-about = Ob Play/Pause auf der Tastatur und der Knopf am Headset das Mikrofon bis zum nächsten Druck öffnen und eine Antwort beenden. Linux; die Arbeitsumgebung gibt diese Tasten immer nur einem Abspielprogramm, sie erreichen dann also womöglich deine Musik nicht mehr.
key-release_delay_ms = Mikrofon bleibt nach der Sprechtaste offen
key-release_delay_ms-about = Wie lange das Mikrofon nach dem Loslassen der Sprechtaste offen bleibt, in Millisekunden.
key-voice_activation = Sprechen öffnet das Mikrofon
key-voice_activation-about = Ob Sprechen das Mikrofon öffnet; sonst öffnet es nur die Sprechtaste.
key-volume = Lautstärke der Antworten
key-volume-about = Wie laut Antworten sind.
key-lower_other_sound = Andere Programme leiser, während du sprichst
key-lower_other_sound-about = Ob Musik und andere Programme leiser werden, während du mit dem Assistenten sprichst, und danach so laut wie zuvor. Geht mit PulseAudio und PipeWire; Anrufe und Töne der Arbeitsumgebung bleiben, wie sie sind.
key-keep = Gespräche aufbewahren
key-keep-about = Wie lange ein Gespräch nach seiner letzten Runde aufbewahrt wird; `off` bewahrt nichts auf.
key-keep_audio = Auch ihren Ton aufbewahren
key-keep_audio-about = Ob auch der Ton der Gespräche aufbewahrt wird, so lange wie ihre Worte.
key-state = Ordner für Gespräche und Protokolle
key-state-about = Der Ordner für Gespräche, Protokolle und Aufnahmen; ein relativer Pfad beginnt im Ordner der Konfigurationsdatei.
key-newer_versions = Nach neueren Versionen sehen
key-newer_versions-about = Ob das Programm einmal am Tag nachsieht, ob eine neuere Version veröffentlicht wurde, und es sagt; es installiert nie eine. Das tun nur veröffentlichte Pakete: andere werden so erneuert, wie sie kamen.
key-alert_webhook = Warnungen senden an
key-alert_webhook-about = Die Adresse, an die Warnungen gesendet werden.
key-window-panel = Messwerte neben dem Gespräch
key-window-panel-about = Wie viele Messwerte gezeigt werden: 0 keine, 1 Antwortzeit, CPU und Speicher, 2 eine Übersicht mit dem Verlauf, 3 alles.
key-window-keep_muted = Stumm bleiben
key-window-keep_muted-about = Ob ein stummgeschaltetes Mikrofon stumm bleibt, wenn das Fenster wieder geöffnet wird.
key-window-muted = Stumm
key-window-muted-about = Ob es zuletzt stumm war; das Fenster schreibt das, solange `keep_muted` eingeschaltet ist.
key-window-theme = Farben
key-window-theme-about = Die Farben des Fensters.
key-window-language = Sprache des Fensters
key-window-language-about = Die Sprache des Fensters; `system`: die des Systems, wo es sie hier gibt. Das Terminal bleibt englisch.
key-window-high_contrast = Hoher Kontrast
key-window-high_contrast-about = Schwarzer oder weißer Grund, kräftigere Farben und Linien.
key-window-reduced_motion = Weniger Bewegung
key-window-reduced_motion-about = Der Sprechknopf steht still, während Stimmen zu hören sind.
key-window-renderer = Zeichnen
key-window-renderer-about = Womit das Fenster gezeichnet wird; `auto`: mit OpenGL, wo es einen Grafikprozessor gibt. Ein Fenster, das leer bleibt oder flackert, braucht vielleicht `software`.
key-window-welcome = Einrichtung
key-window-welcome-about = Der Schritt der Einrichtung, mit dem der nächste Start des Fensters weitergeht, vom Fenster geschrieben; `done`: Sie ist vorbei.
key-window-geometry = Größe und Ort des Fensters
key-window-geometry-about = Größe und Ort des Fensters, vom Fenster geschrieben.
key-window-maximized = Bildschirm füllen
key-window-maximized-about = Ob das Fenster den Bildschirm füllt.
key-window-zoom_percent = Zoom
key-window-zoom_percent-about = Die Größe von allem im Fenster, in Prozent.
key-monitor-listen = Adresse für andere Programme
key-monitor-listen-about = Unter welcher Adresse der Endpunkt für andere Programme erreichbar ist. Ohne diese Angabe gibt es keinen.
key-monitor-token = Passwort für andere Programme
key-monitor-token-about = Was eine Anfrage mitbringen muss. Ohne diese Angabe wird eines erzeugt und im Ordner für Gespräche und Protokolle aufbewahrt.
key-price_usd_per_million-in = Preis einer Million gesendeter Tokens
key-price_usd_per_million-in-about = Der Preis gesendeter Tokens, anstelle des veröffentlichten.
key-price_usd_per_million-out = Preis einer Million Antwort-Tokens
key-price_usd_per_million-out-about = Der Preis der Antwort-Tokens.
key-spend_limit_usd-conversation = Ausgabengrenze für ein Gespräch
key-spend_limit_usd-conversation-about = Was vom Start des Programms bis zu seinem Ende ausgegeben werden darf, bevor das Mikrofon schließt.
key-spend_limit_usd-day = Ausgabengrenze für einen Tag
key-spend_limit_usd-day-about = Was an einem Kalendertag ausgegeben werden darf, von allen Programmen dieses Benutzers.

## Values of settings

word-on = Ein
word-off = Aus
word-true = Ein
word-false = Aus
word-default = Standard
word-high = Hoch
word-medium = Mittel
word-low = Niedrig
word-short = Kurz
word-free = Frei
word-speed = Tempo
word-balance = Ausgewogen
word-quality = Qualität
word-keyboard = Tastatur
word-manual = Manuell
word-automatic = Automatisch
word-hold = Halten
word-tap = Tippen
word-system = Wie im System
word-dark = Dunkel
word-en = English
word-de = Deutsch
word-new = Neu
word-welcome = Willkommen
word-microphone = Mikrofon
word-speaker = Lautsprecher
word-connect = Verbinden
word-try = Ausprobieren
word-done = Fertig
word-window-theme-light = Hell
word-opengl = OpenGL (Grafikprozessor)
word-software = Ohne Grafikprozessor
word-audio-noise_suppression-light = Leicht

## newer_version

a-newer-version-is-there = Version { $version } wurde veröffentlicht; dies ist { $this }. Sie steht unter { $page }
the-releases-answer-with = der Server der Veröffentlichungen antwortet mit HTTP { $status }
the-releases-do-not-answer = der Server der Veröffentlichungen antwortet nicht
the-list-of-releases-is-not-signed = die Liste der Veröffentlichungen hat nicht die Unterschrift, die dieses Programm kennt
the-list-of-releases-names-no-version = die Liste der Veröffentlichungen nennt keine Version

## ui/settings_search: everyday words, by which a setting is found; they are not shown
search-for-about = Version Lizenz Urheber Autor
search-for-set-up = Einrichtung Assistent Einführung Anleitung Erststart Hilfe
search-for-check = testen prüfen Test Mikrofon Lautsprecher Echo Headset Rauschen
search-for-key = API-Key Token Passwort Anmeldung anmelden Konto entfernen eingeben ändern Google Gemini
search-for-sent = Daten gesendet übertragen hochladen Cloud Server Google mithören abhören geheim
search-for-delete = löschen entfernen leeren Verlauf alle Gespräche vergessen vergiss alles Daten
search-for-removal = deinstallieren löschen alles entfernen Daten zurücksetzen Datenschutz
search-for-files = Verzeichnis Pfad Ort wo gespeichert
search-for-report = Fehler Problem Hilfe Unterstützung Fehlerbericht Rückmeldung
search-for-profile = Modus Geschwindigkeit Tempo Qualität schnell schneller langsam
search-for-input_device = Mikro Mic Eingang Aufnahme Headset Soundkarte
search-for-output_device = Ausgabe Box Kopfhörer Headset Ohrhörer Soundkarte
search-for-endpoint = Server URL Host Proxy Google
search-for-detection = Sprechende Stille erkennen automatisch manuell
search-for-echo_cancellation = Echo Rückkopplung Hall Lautsprecher hört sich selbst
search-for-voice = Stimmen Sprecher männlich weiblich Klang Frau Mann
search-for-languages = Sprache sprechen Deutsch Englisch Französisch Spanisch übersetzen Mitschrift
search-for-talk_key = Push-to-Talk halten Leertaste Taste drücken Tastenkürzel
search-for-global_key = global überall Tastenkürzel Hotkey Push-to-Talk Hintergrund anderes Programm Maustaste
search-for-media_keys = Wiedergabe Pause Headset Bluetooth Knopf Multimediatasten Mediaplayer mpris
search-for-release_delay_ms = Push-to-Talk Leertaste Verzögerung loslassen
search-for-voice_activation = freihändig zuhören automatisch Push-to-Talk
search-for-volume = lauter leiser laut leise Pegel Ton
search-for-lower_other_sound = leiser Musik Video Hintergrund absenken dämpfen Ducking andere Programme Lautstärke
search-for-keep = speichern Verlauf löschen Tage behalten
search-for-keep_audio = speichern aufnehmen Aufnahme Audio mitschneiden
search-for-state = speichern Verzeichnis Pfad Ort Speicherort Log
search-for-newer_versions = Update Updates aktualisieren Aktualisierung Version neu
search-for-alert_webhook = Webhook Benachrichtigung benachrichtigen Nachricht E-Mail
search-for-panel = Zahlen Statistik Latenz Verzögerung Geschwindigkeit Diagramm
search-for-keep_muted = stummschalten Mikrofon aus Start
search-for-theme = dunkel hell Dunkelmodus Nachtmodus Farbe Design Aussehen
search-for-language = Deutsch Englisch übersetzen Oberfläche Menü
search-for-high_contrast = Kontrast Barrierefreiheit sehen lesbar Farben
search-for-reduced_motion = Animation Bewegung Barrierefreiheit
search-for-renderer = grafik opengl grafikkarte gpu treiber flackern schwarz leer langsam
search-for-zoom_percent = Textgröße Schriftgröße Schrift größer größere kleiner kleinere groß klein Buchstaben Skalierung winzig lesen
search-for-monitor = Prometheus Messwerte API fern Port
search-for-price_usd_per_million = Kostensatz Geld Dollar bezahlen Rechnung
search-for-spend_limit_usd = Kosten Geld Dollar Budget Preis bezahlen Rechnung teuer Höchstbetrag kostet
search-for-label = umbenennen Titel
search-for-description = Zweck
search-for-target_ms = Latenz Geschwindigkeit schnell
search-for-period_frames = Latenz knacken stottern Block Periode
search-for-resampler_taps = Abtastrate Qualität
search-for-prebuffer_ms = stottern abgehackt knacken Lücken Aussetzer
search-for-preroll_ms = erstes Wort fehlt Silbe Anfang
search-for-noise_suppression = Hintergrundgeräusche Lärm Rauschen Lüfter Brummen tippen
search-for-gain_control = leise laut Verstärkung automatisch Mikrofon
search-for-detector = Stimmaktivität Empfindlichkeit VAD Geräusch hören
search-for-patience_ms = unterbricht mich abgeschnitten abschneiden ins Wort fallen zu früh zu schnell warten länger Stille ausreden nachdenken denken
search-for-eager_endpoint = schnell schneller Geschwindigkeit Latenz
search-for-eager_waste_percent = verschwendet verworfen Tokens Geld
search-for-adaptive_patience = lernen anpassen warten langsam
search-for-hold_pauses = Daten Datenverbrauch Stille sparen
search-for-barge_in = unterbrechen dazwischenreden ins Wort fallen stoppen
search-for-backchannel_ms = husten Geräusch mhm ja
search-for-turn-automatic = Empfindlichkeit Server Erkennung Stille
search-for-model = Gemini Version KI
search-for-vocabulary = Wörterbuch Rechtschreibung Wörter verhört Aussprache
search-for-temperature = Temperatur kreativ Kreativität zufällig
search-for-thinking = denken nachdenken langsam klug
search-for-instruction = Prompt Persönlichkeit Rolle Verhalten System
search-for-answer_length = kurz kürzer kürzere lang länger längere knapp weniger reden ausführlich
search-for-reply_transcript = Text Untertitel Mitschrift lesen
search-for-google_search = Internet Google online Nachrichten
search-for-reply_deadline_ms = Timeout langsam warten
search-for-compress_at_tokens = Gedächtnis Kontext Verlauf
search-for-compress_to_tokens = Gedächtnis Kontext Verlauf
search-for-auto = automatisch wechseln Akku
search-for-alerts = Alarm benachrichtigen Grenze

## server
demo-you-spoke = Du hast { $seconds } Sekunden lang gesprochen.
demo-you-were-silent = { $seconds } Sekunden Stille
demo-own-voice = Deine eigene Stimme, { $seconds } Sekunden.
demo-you-wrote = Du hast geschrieben: „{ $text }“. Sag etwas, und ich sage es zurück.

## ui/limited_text
characters-left-out = { $left_out } des eingefügten Textes wurden weggelassen: { $holds } passen hier hinein.

# Die Sprechtaste in jedem Fenster
allowed-is-a-chord = erlaubt ist eine Taste wie F9 oder Ctrl+Alt+Space oder eine Maustaste wie Mouse8
chord-empty = nennt keine Taste
chord-no-key = nennt keine Taste: `{ $text }`
chord-no-key-like = nennt keine Taste: `{ $text }` (`{ $name }` wäre eine)
chord-no-modifier = hat `{ $part }`, wo Ctrl, Alt, Shift oder Super stehen muss
chord-only-modifiers = nennt nur Tasten zum Halten; es fehlt eine zum Drücken
chord-needs-modifier = nähme `{ $name }` allen Programmen weg; davor gehört Ctrl, Alt oder Super
chord-is-wheel = nennt Mouse{ $button }, das ist das Rad; die Tasten an der Seite sind Mouse8 und Mouse9
chord-no-button = nennt eine Maustaste, die es nicht gibt; sie heißen Mouse1 bis Mouse{ $last }
global-key-description = Mit dem Assistenten sprechen
global-key-works = Wirkt in jedem Fenster.
global-key-works-called = Wirkt in jedem Fenster. Die Arbeitsumgebung nennt sie „{ $called }“.
global-key-asking = Die Arbeitsumgebung wird um diese Taste gebeten.
global-key-try = Noch einmal versuchen
global-key-problem = Die Sprechtaste wirkt nicht in anderen Fenstern: { $why } { $hint }
global-key-no-display = Es gibt keinen Bildschirm.
global-key-display-lost = Der Bildschirm antwortet nicht ({ $error }).
global-key-taken = Ein anderes Programm hat { $chord } belegt.
global-key-not-on-this-keyboard = Diese Tastatur hat keine Taste { $chord }.
global-key-no-mouse = Diese Arbeitsumgebung gibt Programmen nur Tasten der Tastatur, keine der Maus.
global-key-no-bus = Die Arbeitsumgebung lässt sich nicht fragen: Ihr Nachrichtenbus antwortet nicht ({ $error }).
global-key-no-portal = Diese Arbeitsumgebung gibt Programmen keine Tasten für alle Fenster.
global-key-silent = Die Arbeitsumgebung hat nicht rechtzeitig geantwortet.
global-key-refused = Die Arbeitsumgebung oder du selbst hast sie abgelehnt.
global-key-ended = Die Arbeitsumgebung hat sie beendet.
global-key-gone = Der Teil der Arbeitsumgebung, der Tasten vergibt, hat sich beendet.
global-key-fault = Die Arbeitsumgebung antwortete mit einem Fehler ({ $error }).
global-key-not-on-this-system = Auf diesem System kann Sovereign noch keine Tasten übernehmen.
global-key-choose-another = Wähle eine andere Taste (Einstellungen, Sprechen).
global-key-try-again = Versuche es noch einmal (Einstellungen, Sprechen).
global-key-bind-commands = Lege in den Einstellungen der Arbeitsumgebung Tasten auf `sovereign press` und `sovereign release`, oder eine auf `sovereign toggle`.
global-key-use-the-window = Nimm die Taste im Fenster.

# Der Ton anderer Programme
other-sound-unreachable = Andere Programme werden nicht leiser: Kein PulseAudio und kein PipeWire (mit pipewire-pulse) antwortet. Starte eines davon, oder schalte das unter Einstellungen, Ton aus.
other-sound-not-started = Andere Programme werden nicht leiser: Der Prozess, der das tut, startet nicht ({ $error }). Beende andere Programme, oder schalte das unter Einstellungen, Ton aus.

## desktop: start, tray, lock
start-with-desktop = Mit der Arbeitsumgebung starten
start-with-desktop-about = Bei der Anmeldung, mit verborgenem Fenster: Das Symbol in der Leiste zeigt es, und ein weiterer Start von Sovereign auch.
autostart-was-not-changed = Ob Sovereign mit der Arbeitsumgebung startet, wurde nicht geändert: { $problem }
no-icon-in-the-tray = Gerade gibt es kein Symbol in der Leiste; wer das Fenster schließt, beendet Sovereign. { $why }
tray-heading = Symbol in der Leiste
tray-asking = Die Arbeitsumgebung wird gebeten, es zu zeigen.
tray-shown = Die Arbeitsumgebung zeigt es.
tray-none = Diese Arbeitsumgebung hat keine solche Leiste. KDE Plasma, Xfce und Cinnamon haben eine, GNOME mit der Erweiterung AppIndicator.
tray-no-bus = Die Arbeitsumgebung lässt sich nicht fragen: Ihr Nachrichtenbus antwortet nicht ({ $error }).
tray-silent = Die Arbeitsumgebung hat nicht rechtzeitig geantwortet.
tray-fault = Die Arbeitsumgebung antwortete mit einem Fehler ({ $error }).
muted-while-locked = Du warst stumm, solange der Bildschirm gesperrt war. „Mikrofon aus bei gesperrtem Bildschirm“ in den Einstellungen, Sprechen, ändert das.
tray-show-window = Fenster zeigen
tray-hide-window = Fenster verbergen
tray-mute = Stumm
tray-stop = Antwort beenden
tray-profile = Profil
tray-quit = Beenden
media-keys-work = Die Arbeitsumgebung kennt Sovereign als Abspielprogramm und gibt diese Tasten dem, das zuletzt benutzt wurde.
media-keys-problem = Diese Tasten erreichen Sovereign nicht; es versucht es jede halbe Minute noch einmal. { $why }
media-keys-bus-gone = Der Nachrichtenbus der Arbeitsumgebung hat sich beendet.
search-for-autostart = Autostart Anmeldung Systemstart Hintergrund verborgen automatisch hochfahren
search-for-tray = Systray Infobereich Leiste Statussymbol Hintergrund
search-for-close_to_tray = minimieren schließen Hintergrund verbergen beenden
search-for-mute_when_locked = Privatsphäre Bildschirmsperre sperren abwesend Mikrofon aus mithören
key-mute_when_locked = Mikrofon aus bei gesperrtem Bildschirm
key-mute_when_locked-about = Ob das Mikrofon stumm ist, solange der Bildschirm gesperrt ist. Danach hört es wieder zu, außer du hattest es selbst stummgeschaltet.
key-window-tray = Symbol in der Leiste
key-window-tray-about = Ob ein Symbol in der Leiste der Arbeitsumgebung zeigt, was der Assistent gerade tut.
key-window-close_to_tray = Weiter in der Leiste, wenn das Fenster geschlossen wird
key-window-close_to_tray-about = Ob das Gespräch weitergeht, wenn du das Fenster schließt. Das Symbol in der Leiste zeigt das Fenster wieder und beendet das Programm; ohne ein solches Symbol beendet Schließen es.
