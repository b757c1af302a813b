//! The hosts that a URL names, one by one. The driver would ask them in turn too, but gives each of them all the time
//! there is: behind one that takes connections and says nothing, the others would never be asked.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host as Name;

/// What the driver takes if nobody says how long a connection is idle before the system asks whether it still is one.
const KEEPALIVES_IDLE_OF_DRIVER: Duration = Duration::from_secs(2 * 60 * 60);

/// One of a URL's hosts.
#[derive(Debug, Clone)]
pub(super) struct Host {
    /// For people.
    pub(super) place: String,
    /// Its name and port, where addresses are to be looked up.
    looked_up: Option<(String, u16)>,
    /// With this host only.
    config: Config,
}

impl Host {
    /// All hosts of a URL. Each connection is given up when the other machine has confirmed nothing for `silent_max`.
    pub(super) fn all(config: &Config, silent_max: Duration) -> Vec<Self> {
        let ports = config.get_ports();
        let hosts = config.get_hosts().iter().enumerate().map(|(index, name)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            let mut alone = without_hosts(config);
            noticing_silence(&mut alone, config, silent_max);
            alone.port(port);
            let address = config.get_hostaddrs().get(index).copied();
            if let Some(address) = address {
                alone.hostaddr(address);
            }
            match name {
                Name::Tcp(name) => {
                    alone.host(name);
                    let looked_up = address.is_none().then(|| (name.clone(), port));
                    Self { place: format!("{name}:{port}"), looked_up, config: alone }
                }
                #[cfg(unix)]
                Name::Unix(folder) => {
                    alone.host_path(folder);
                    Self { place: format!("{}:{port}", folder.display()), looked_up: None, config: alone }
                }
            }
        });
        hosts.collect()
    }

    /// What to connect with, for each of its addresses.
    pub(super) async fn addresses(&self) -> std::io::Result<Vec<Config>> {
        let Some((name, port)) = &self.looked_up else { return Ok(vec![self.config.clone()]) };
        let found: Vec<IpAddr> =
            tokio::net::lookup_host((name.as_str(), *port)).await?.map(|address| address.ip()).collect();
        let at = |address: IpAddr| {
            let mut config = self.config.clone();
            config.hostaddr(address);
            config
        };
        Ok(found.into_iter().map(at).collect())
    }
}

/// Everything that a URL says but where.
fn without_hosts(config: &Config) -> Config {
    let mut alone = Config::new();
    if let Some(user) = config.get_user() {
        alone.user(user);
    }
    if let Some(password) = config.get_password() {
        alone.password(password);
    }
    if let Some(database) = config.get_dbname() {
        alone.dbname(database);
    }
    if let Some(options) = config.get_options() {
        alone.options(options);
    }
    if let Some(name) = config.get_application_name() {
        alone.application_name(name);
    }
    if let Some(within) = config.get_connect_timeout() {
        alone.connect_timeout(*within);
    }
    alone
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs());
    alone
}

/// Has the system notice when the other machine is gone, unless the URL says how.
fn noticing_silence(alone: &mut Config, config: &Config, silent_max: Duration) {
    alone.tcp_user_timeout(config.get_tcp_user_timeout().copied().unwrap_or(silent_max));
    alone.keepalives(config.get_keepalives());
    alone.keepalives_idle(match config.get_keepalives_idle() {
        KEEPALIVES_IDLE_OF_DRIVER => silent_max / 2,
        said => said,
    });
    let interval = (silent_max / 4).max(Duration::from_secs(1));
    alone.keepalives_interval(config.get_keepalives_interval().unwrap_or(interval));
    alone.keepalives_retries(config.get_keepalives_retries().unwrap_or(3));
}

#[cfg(test)]
mod tests;
