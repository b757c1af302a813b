use super::*;

fn text(sql: &str) -> String {
    rewrite(sql).unwrap().sql
}

#[test]
fn numbers_and_bare_ones_are_values_by_their_number() {
    let rewritten = rewrite("SELECT a FROM t WHERE b = ?1 AND c < ?3 OR b > ?1").unwrap();
    assert_eq!(rewritten.sql, "SELECT a FROM t WHERE b = $1 AND c < $2 OR b > $1");
    assert_eq!((rewritten.given, rewritten.values), (vec![What::Value(1), What::Value(3)], 3));
    let rewritten = rewrite("VALUES (?, ?, ?3, ?)").unwrap();
    assert_eq!((rewritten.sql.as_str(), rewritten.values), ("VALUES ($1, $2, $3, $4)", 4));
}

#[test]
fn each_name_has_one_number_and_whether_it_is_null_another() {
    let rewritten = rewrite("WHERE (:from IS NULL OR day >= :from) AND day <= :to AND :from  is  not null").unwrap();
    assert_eq!(rewritten.sql, "WHERE ($1::bool OR day >= $2) AND day <= $3 AND (NOT $1::bool)");
    assert_eq!(rewritten.names, [":from", ":to"]);
    assert_eq!(rewritten.given, [What::IsNull(1), What::Value(1), What::Value(2)]);
    let others = rewrite("?1 IS NULLIF OR ?2 IS TRUE OR ?3 ISNULL").unwrap();
    assert_eq!(others.sql, "$1 IS NULLIF OR $2 IS TRUE OR $3 ISNULL");
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
