use super::*;

#[test]
fn what_the_source_shouts_is_read_as_the_sample_reads_it() {
    assert_eq!(phrase("FRZN SS PREMIUM ENTREES/DNRS/N"), "Frozen Single-Serve Premium Entrees/Dinners");
    assert_eq!(phrase("  FLUID MILK   WHITE ONLY"), "Fluid Milk White Only");
    assert_eq!(phrase("CANDY BARS (SINGLES)(INCLUDING"), "Candy Bars (Singles)");
    assert_eq!(phrase("KID'S 'N BBQ"), "Kid's 'n BBQ");
    assert_eq!(phrase(""), "");
    assert_eq!(department("DRUG GM"), "Drugs & General Merchandise");
    assert_eq!(department("GROCERY"), "Grocery");
}

#[test]
fn sizes_are_written_as_on_a_package() {
    for (shouted, read) in [
        ("EX   16 OZ", "16 oz"),
        ("1 GA", "1 gal"),
        (".29 OZ", "0.29 oz"),
        ("12.5 OZ", "12.5 oz"),
        ("75 SQ FT", "75 sq. ft"),
        ("PK OF 3", "pk of 3"),
        ("EX .5 GAL", "0.5 gal"),
        ("", ""),
    ] {
        assert_eq!(size(shouted), read, "{shouted}");
    }
}

#[test]
fn a_product_has_a_name_whatever_is_missing() {
    assert_eq!(product("Soup", "Canned Soup", "Grocery", "10 oz"), "Soup, 10 oz");
    assert_eq!(product("", "Canned Soup", "Grocery", ""), "Canned Soup");
    assert_eq!(product("", "", "Grocery", ""), "Grocery item");
}
