use super::*;

fn hosts(url: &str) -> Vec<Host> {
    Host::all(&url.parse().unwrap(), Duration::from_secs(10))
}

#[tokio::test]
async fn each_host_stands_alone_with_all_that_the_url_says() {
    let all =
        hosts("postgres://ann:secret@127.0.0.1,127.0.0.2:5433,%2Frun%2Fpg/shop?application_name=x&sslmode=require");
    let places: Vec<&str> = all.iter().map(|host| host.place.as_str()).collect();
    assert_eq!(places, ["127.0.0.1:5432", "127.0.0.2:5433", "/run/pg:5432"]);
    for host in &all {
        for config in host.addresses().await.unwrap() {
            assert_eq!((config.get_hosts().len(), config.get_ports().len()), (1, 1));
            assert_eq!((config.get_user(), config.get_password()), (Some("ann"), Some("secret".as_bytes())));
            assert_eq!((config.get_dbname(), config.get_application_name()), (Some("shop"), Some("x")));
            assert_eq!(config.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
        }
    }
    let second = &all[1].addresses().await.unwrap()[0];
    assert_eq!((second.get_ports(), second.get_hostaddrs()), (&[5433][..], &["127.0.0.2".parse().unwrap()][..]));
}

#[test]
fn silence_is_noticed_as_the_url_says_or_else_soon() {
    let config = &hosts("postgres://h/d")[0].config;
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(10)));
    assert_eq!((config.get_keepalives(), config.get_keepalives_idle()), (true, Duration::from_secs(5)));
    let told = "postgres://h/d?tcp_user_timeout=60&keepalives_idle=30&keepalives_interval=7&keepalives_retries=9";
    let config = &hosts(told)[0].config;
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(60)));
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(30));
    assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(7)));
    assert_eq!(config.get_keepalives_retries(), Some(9));
}
