use super::*;

fn text(sql: &str) -> String {
    rewrite(sql).unwrap().sql
}

#[test]
fn numbers_stay_and_bare_ones_are_counted_on() {
    assert_eq!(
        text("SELECT a FROM t WHERE b = ?1 AND c < ?12 OR b > ?1"),
        "SELECT a FROM t WHERE b = $1 AND c < $12 OR b > $1"
    );
    assert_eq!(text("VALUES (?, ?, ?3, ?)"), "VALUES ($1, $2, $3, $4)");
}

#[test]
fn each_name_has_one_number() {
    let rewritten = rewrite("WHERE (:from IS NULL OR day >= :from) AND day <= :to").unwrap();
    assert_eq!(rewritten.sql, "WHERE ($1 IS NULL OR day >= $1) AND day <= $2");
    assert_eq!(rewritten.names, [":from", ":to"]);
    assert!(rewrite("?1 = :name").is_err());
}

#[test]
fn strings_names_comments_and_casts_are_left_alone() {
    for sql in [
        "SELECT '?1 :a it''s', \"odd?1\"\"name\" -- ?2 :b\n FROM t /* ?3 */",
        "SELECT x::int8, 'ünïcode' FROM \"t:t\"",
        "SELECT 'unended ?1",
        "-- unended ?1",
        "/* unended ?1",
    ] {
        assert_eq!(text(sql), sql);
    }
    assert_eq!(text("SELECT 'a' || ?1, x::text, ?2"), "SELECT 'a' || $1, x::text, $2");
}
