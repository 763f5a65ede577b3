//! Where the conversation connects to and with which setup; what of it is kept on the disk.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::snapshot::{KeyInfo, ServiceView, SpeechView};
use crate::base::languages::is_code;
use crate::base::plural::sentence;
use crate::base::supervise::Failures;
use crate::base::text::t;
use crate::profile::{Detection, EchoCancellation, Profile};
use crate::provider::ServiceEndpoint;
use crate::provider::config::{SessionConfig, UserContext};
use crate::server::Server;
use crate::settings::api_key::{ApiKey, KeySource, KeyStore};
use crate::settings::config::writer_task::FileReport;
use crate::settings::config::{Config, ConfigFile, Places, SpendLimit};
use crate::settings::endpoint::{self, Endpoint, EndpointError, Wishes};
use crate::settings::key_destination;
use crate::settings::watch::Watch;
use crate::telemetry::record::Answerer;

/// What the command line and the machine decide.
#[derive(Debug)]
pub struct Choice {
    /// `--demo`.
    pub demo: bool,
    /// `--endpoint`.
    pub endpoint: Option<String>,
    /// Whether the demo greets: only where somebody listens.
    pub greeting: bool,
    /// The configuration file.
    pub config: ConfigFile,
    /// Where keys are kept.
    pub keys: KeyStore,
    /// The key that was found.
    pub key: Option<ApiKey>,
    /// Tells of files that change.
    pub changes: Watch,
    /// What became of the threads behind all this.
    pub failures: Failures,
}

impl Choice {
    /// What is wrong in the configuration file, where nothing may be dialled for it: a line that protects the user cannot be
    /// read. What the command line says goes before the file.
    #[must_use]
    pub fn held(&self) -> Option<&str> {
        let by_hand = self.demo || self.endpoint.is_some();
        self.config.held().filter(|_| !by_hand)
    }
}

/// What a conversation that begins now would ask the service for.
#[must_use]
pub fn session_config_now(config: &Config, profile: &Profile) -> SessionConfig {
    session_config(config, profile, user_context())
}

/// Choices of the user go before the profile.
fn session_config(config: &Config, profile: &Profile, user: UserContext) -> SessionConfig {
    let detection = config.detection.unwrap_or(profile.turn.detection);
    let wanted = profile.session_config(detection);
    SessionConfig {
        voice: config.voice.clone().or(wanted.voice),
        languages: config.languages.clone().unwrap_or(wanted.languages),
        user,
        ..wanted
    }
}

fn user_context() -> UserContext {
    let now = jiff::Zoned::now();
    let system_languages = locales(sys_locale::get_locales());
    UserContext {
        date_time: now.strftime("%A, %-d %B %Y, %H:%M").to_string(),
        zone: now.time_zone().iana_name().unwrap_or("unknown").to_owned(),
        locale: system_languages
            .first()
            .cloned()
            .unwrap_or_else(|| "en".into()),
        system_languages,
    }
}

/// Endpoint, key, configuration file and the demo, while the conversation runs.
#[derive(Debug)]
pub struct Settings {
    /// Where to connect.
    pub target: ServiceEndpoint,
    choice: Choice,
    /// What holds: the file, and the changes that are on their way into it.
    config: Config,
    /// What is wrong with the file as it was read last.
    faults: Vec<String>,
    /// Why nothing may be dialled, as the file has it.
    held: Option<String>,
    /// Where the keys of the file are written.
    places: Arc<Places>,
    demo: Option<(Server, ServiceEndpoint)>,
    is_demo: bool,
    /// There is no talk key: speech opens the microphone, whatever is configured.
    no_talk_key: bool,
    /// What is spent is limited otherwise, whatever is configured.
    limited_elsewhere: bool,
    /// Taken once per connection: a changed minute is no reason for another one.
    user: UserContext,
}

impl Settings {
    /// Decides where to connect, and starts the demo if that is where. While [`held`](Self::held) says why nothing may be
    /// dialled, there is nowhere to connect to.
    ///
    /// # Errors
    ///
    /// When the endpoint is none, or the demo cannot be started.
    pub fn new(choice: Choice) -> anyhow::Result<Self> {
        let nowhere = ServiceEndpoint {
            url: endpoint::google(),
            key: None,
        };
        let mut this = Self {
            target: nowhere,
            config: choice.config.get().clone(),
            faults: choice.config.faults().to_vec(),
            held: choice.config.held().map(str::to_owned),
            places: choice.config.places(),
            choice,
            demo: None,
            is_demo: false,
            no_talk_key: false,
            limited_elsewhere: false,
            user: UserContext::default(),
        };
        this.refresh_user_context();
        if this.held().is_none() {
            this.choose_target()?;
        }
        Ok(this)
    }

    /// Why nothing may be dialled, in words (see [`Choice::held`]).
    #[must_use]
    pub fn held(&self) -> Option<String> {
        let by_hand = self.choice.demo || self.choice.endpoint.is_some();
        let fault = self.held.as_deref().filter(|_| !by_hand)?;
        Some(t!("nothing-is-sent", fault = sentence(fault)))
    }

    /// Decides again where to connect.
    ///
    /// # Errors
    ///
    /// As [`Settings::new`], and while nothing may be dialled; the target is unchanged then.
    pub fn choose_target(&mut self) -> anyhow::Result<()> {
        if let Some(held) = self.held() {
            anyhow::bail!("{held} {}", t!("correct-the-file"));
        }
        let config = self.config.endpoint.as_deref();
        let has_key = self.choice.key.is_some();
        let wishes = Wishes {
            demo: self.choice.demo,
            flag: self.choice.endpoint.as_deref(),
            config,
            has_key,
        };
        match choose(wishes)? {
            Endpoint::Demo => {
                self.target = self.demo()?;
                self.is_demo = true;
            }
            Endpoint::Live(url) => {
                let may = |key: &&ApiKey| key_destination::may_have_key(key.source, &url, config);
                let key = self
                    .choice
                    .key
                    .as_ref()
                    .filter(may)
                    .map(|key| key.secret.clone());
                self.target = ServiceEndpoint { url, key };
                self.is_demo = false;
            }
        }
        Ok(())
    }

    /// Whether the server inside this process answers.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.is_demo
    }

    /// Whether what answers runs on this computer: this process, or what is reached over loopback.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let loopback = match self.target.url.host() {
            Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.is_demo || loopback
    }

    /// The host that is dialled, for people.
    #[must_use]
    pub fn host(&self) -> String {
        if self.is_demo {
            return t!("this-computer").into();
        }
        self.target.url.host_str().unwrap_or("?").to_owned()
    }

    /// The key that there is, without the key.
    #[must_use]
    pub fn key_info(&self) -> Option<KeyInfo> {
        let key = self.choice.key.as_ref()?;
        Some(KeyInfo {
            source: key.source,
            ending: key.ending(),
        })
    }

    /// Who answers, and whether it is given the key.
    #[must_use]
    pub fn service_view(&self) -> ServiceView {
        let host = self.host();
        ServiceView {
            is_own: !self.is_demo && host != endpoint::GOOGLE_HOST,
            gets_key: !self.is_demo && self.target.key.is_some(),
            key_host: self.host_of_stored_key(),
            host,
        }
    }

    /// Where a key goes that is entered now, if it goes anywhere.
    fn host_of_stored_key(&self) -> Option<String> {
        let config = self.config().endpoint.as_deref();
        let wishes = Wishes {
            demo: false,
            flag: self.choice.endpoint.as_deref(),
            config,
            has_key: true,
        };
        match endpoint::choose(wishes).ok()? {
            Endpoint::Live(url) if key_destination::may_have_key(KeySource::File, &url, config) => {
                url.host_str().map(str::to_owned)
            }
            Endpoint::Live(_) | Endpoint::Demo => None,
        }
    }

    /// Who answers.
    #[must_use]
    pub fn answerer(&self) -> Answerer {
        if self.is_demo {
            Answerer::Demo
        } else if self.is_local() {
            Answerer::Local
        } else if self.host() == endpoint::GOOGLE_HOST {
            Answerer::Gemini
        } else {
            Answerer::Own
        }
    }

    /// Who detects activity.
    #[must_use]
    pub fn detection(&self, profile: &Profile) -> Detection {
        self.config.detection.unwrap_or(profile.turn.detection)
    }

    /// Voice and languages, as the user and the profile want them.
    #[must_use]
    pub fn speech(&self, profile: &Profile) -> SpeechView {
        let config = self.config();
        SpeechView {
            voice: config.voice.clone(),
            profile_voice: profile.live.voice.clone(),
            languages: config.languages.clone(),
            profile_languages: profile.live.languages.clone(),
            system_languages: self.user.system_languages.clone(),
        }
    }

    /// Whether replies are taken out of what the microphone hears.
    #[must_use]
    pub fn echo_cancellation(&self, profile: &Profile) -> EchoCancellation {
        self.config()
            .echo_cancellation
            .unwrap_or(profile.audio.echo_cancellation)
    }

    /// There is no talk key, in a terminal or with files: only speech can open the microphone.
    pub fn open_by_speech(&mut self) {
        self.no_talk_key = true;
    }

    /// What is spent is counted and limited by who asks: the limits of the configuration do not hold.
    pub fn limit_elsewhere(&mut self) {
        self.limited_elsewhere = true;
    }

    /// What may be spent.
    #[must_use]
    pub fn spend_limit(&self) -> SpendLimit {
        if self.limited_elsewhere {
            return SpendLimit::default();
        }
        self.config().spend_limit
    }

    /// Whether speech opens the microphone; otherwise the talk key alone does.
    #[must_use]
    pub fn voice_activation(&self) -> bool {
        self.no_talk_key || self.config().voice_activation
    }

    /// What the service is asked for.
    #[must_use]
    pub fn session_config(&self, profile: &Profile) -> SessionConfig {
        session_config(self.config(), profile, self.user.clone())
    }

    /// Takes date and time anew, for the next connection.
    pub fn refresh_user_context(&mut self) {
        self.user = user_context();
    }

    /// Uses a key that was kept from now on, with Gemini Live if nothing else was named.
    ///
    /// # Errors
    ///
    /// When the configuration does not allow to dial.
    pub(super) fn use_key(&mut self, key: ApiKey) -> anyhow::Result<()> {
        self.choice.key = Some(key);
        if let (None, Some(fault)) = (&self.choice.endpoint, &self.held) {
            let fault = sentence(fault);
            anyhow::bail!("{}", t!("the-key-is-saved-and", fault));
        }
        self.choice.demo = false;
        self.choose_target()
    }

    /// The key file was removed; `other` is what is found elsewhere, and used from now on.
    ///
    /// # Errors
    ///
    /// When the configuration does not allow to dial.
    pub(super) fn forget_key(&mut self, other: Option<ApiKey>) -> anyhow::Result<()> {
        self.choice.key = other;
        self.choose_target()
    }

    /// Changes the configuration; it holds until the end of the program, also where the file cannot be written. Returns the
    /// configuration before.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Config)) -> Config {
        let before = self.config.clone();
        change(&mut self.config);
        before
    }

    /// Takes over what the file says; returns the configuration before, the faults that are new, and whether the file was
    /// faulty and is not any more.
    pub(super) fn take_report(&mut self, report: FileReport) -> (Config, Vec<String>, bool) {
        let before = std::mem::replace(&mut self.config, report.config);
        let known = std::mem::replace(&mut self.faults, report.faults);
        self.held = report.held;
        self.places = report.places;
        let is_new = |fault: &&String| !known.contains(fault);
        let new_faults = self.faults.iter().filter(is_new).cloned().collect();
        let mended = !known.is_empty() && self.faults.is_empty();
        (before, new_faults, mended)
    }

    /// Where the keys of the configuration are written.
    pub(super) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// The configuration file.
    pub(super) fn config_path(&self) -> Option<&Path> {
        self.choice.config.path()
    }

    /// The address that was named at the start, which goes before the configuration.
    pub(super) fn given_endpoint(&self) -> Option<&str> {
        self.choice.endpoint.as_deref()
    }

    /// What is wrong with the configuration file as it was read last.
    pub(super) fn config_faults(&self) -> &[String] {
        &self.faults
    }

    /// Hands over the configuration file, the places of keys and the watch on files.
    pub(super) fn take_files(&mut self) -> (ConfigFile, KeyStore, Watch) {
        let watch = std::mem::replace(&mut self.choice.changes, Watch::nothing());
        (self.choice.config.clone(), self.choice.keys.clone(), watch)
    }

    /// Failures of parts that have no channel to the conversation of their own.
    pub(super) fn failures(&self) -> Failures {
        self.choice.failures.clone()
    }

    /// Has the server of the demo panic.
    #[cfg(test)]
    pub(super) fn panic_in_demo(&self) {
        if let Some((server, _)) = &self.demo {
            server.panic();
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn demo(&mut self) -> anyhow::Result<ServiceEndpoint> {
        if let Some((_, target)) = &self.demo {
            return Ok(target.clone());
        }
        let (server, token) = Server::start_demo(self.choice.greeting, self.failures())
            .context("the demo cannot be started")?;
        let target = ServiceEndpoint {
            url: server.url(),
            key: Some(token),
        };
        self.demo = Some((server, target.clone()));
        Ok(target)
    }
}

/// As [`endpoint::choose`], with the name of what holds the faulty address.
fn choose(wishes: Wishes<'_>) -> anyhow::Result<Endpoint> {
    let place = if wishes.flag.is_some() {
        "--endpoint"
    } else {
        "endpoint of the configuration file"
    };
    endpoint::choose(wishes).map_err(|error: EndpointError| anyhow::anyhow!("{place} {error}"))
}

/// The system's locales that name a language (BCP 47), each once, as many as a service is told; `C` and `POSIX` name none.
fn locales(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let name = crate::base::variable::unquoted(&name);
        if found.len() < 10 && is_code(name) && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::config::{self, Languages};

    #[test]
    fn what_the_user_chose_goes_before_the_profile() {
        let profile = crate::profile::builtin("balanced").expect("it is built in");
        let chosen = Config {
            voice: Some("Puck".to_owned()),
            languages: Some(Languages::These(vec!["it".to_owned()])),
            detection: Some(Detection::Automatic),
            ..Config::default()
        };
        let user = UserContext::default();
        let config = session_config(&chosen, &profile, user.clone());
        assert_eq!(config.voice.as_deref(), Some("Puck"));
        assert_eq!(config.spoken(), ["it"]);
        assert!(matches!(
            config.detection,
            config::DetectionConfig::Service { .. }
        ));
        let usual = session_config(&Config::default(), &profile, user);
        assert_eq!(usual, profile.session_config(profile.turn.detection));
    }

    #[test]
    fn a_locale_that_names_no_language_is_passed_over() {
        for (names, found) in [
            (&["de-DE"][..], &["de-DE"][..]),
            (&["C", "fr-CA", "en-CA", "fr-CA"], &["fr-CA", "en-CA"]),
            (&["POSIX"], &[]),
            (&["\"de-DE"], &["de-DE"]),
            (&["en-US. Say no more", "pt"], &["pt"]),
            (&["", "zh-Hant-TW"], &["zh-Hant-TW"]),
            (&[], &[]),
        ] {
            let names = names.iter().map(|name| (*name).to_owned());
            assert_eq!(locales(names), found);
        }
    }
}
