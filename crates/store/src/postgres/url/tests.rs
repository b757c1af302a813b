use super::*;

#[test]
fn a_url_says_where_a_store_is_without_its_password() {
    let url: PostgresUrl =
        "postgres://ann:s3:cr%40t@db1,db2:5433/shop?schema=orders&sslmode=require&password=x".parse().unwrap();
    assert_eq!(url.schema(), "orders");
    assert_eq!(url.place(), "db1:5432,db2:5433/shop schema orders");
    assert_eq!(url.to_string(), "postgres://ann:***@db1,db2:5433/shop?schema=orders&sslmode=require&password=***");
    assert!(!format!("{url:?}").contains("s3"));
    // What was not escaped is no reason to show it.
    assert_eq!(without_password("postgres://ann:s3?cr@db1/shop"), "postgres://ann:***@db1/shop");
    assert_eq!(without_password("postgres://h/d?schema=orders"), "postgres://h/d?schema=orders");
    assert_eq!("postgresql://h/d".parse::<PostgresUrl>().unwrap().schema(), "tradewind");
}

#[test]
fn what_cannot_be_used_says_why() {
    let cases = [
        ("postgres:///d", "no host"),
        ("postgres://h", "no database"),
        ("postgres://h/d?schema=Orders", "lower-case"),
        ("postgres://h/d?schema=pg_orders", "pg_"),
        ("postgres://h/d?durability=none", "durability"),
        ("postgres://h/d?sslmode=verify-ca", "sslmode"),
        ("postgres://h/d?sslrootcert=/x", "verify-full"),
        ("postgres://h/d?colour=red", "colour"),
        ("postgres://h:x/d", "port"),
    ];
    for (text, reason) in cases {
        let problem = text.parse::<PostgresUrl>().unwrap_err();
        assert!(problem.contains(reason), "{text}: {problem}");
    }
}
