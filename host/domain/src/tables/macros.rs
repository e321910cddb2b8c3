//! The macro that declares a table.

/// Declares a table: the struct of its rows and, from the very same lines, its [`TableSchema`].
///
/// Doc comments become descriptions. The type of a field decides what its column holds and whether it may be empty.
/// In brackets after the type stands the unit and, after a semicolon, the rules; either part may be left out.
///
/// ```
/// use chrono::{DateTime, NaiveDate, Utc};
/// sentinel_domain::table! {
///     /// What the thermometer said.
///     pub struct Reading in "readings" {
///         grain: "one reading",
///         key: ["reading_id"],
///     }
///     columns {
///         /// Which reading it is.
///         reading_id: String [; Rule::NotEmpty],
///         /// When it was taken.
///         read_at: DateTime<Utc>,
///         /// How warm it was; empty when the thermometer was broken.
///         temperature: Option<f64> ["degrees Celsius"; Rule::AtLeast(-273)],
///         /// The UTC date of the reading.
///         ds: NaiveDate [; Rule::DateOf("read_at")],
///     }
/// }
/// use sentinel_domain::tables::Table;
/// assert_eq!(Reading::schema().columns[2].unit, Some("degrees Celsius"));
/// ```
///
/// [`TableSchema`]: crate::tables::TableSchema
#[macro_export]
macro_rules! table {
    (
        $(#[doc = $table_doc:literal])+
        pub struct $row:ident in $name:literal {
            grain: $grain:literal,
            key: [$($key:literal),+ $(,)?],
            $(settled: $settled:literal,)?
            $(grows_by: $grows_by:literal,)?
            $(references: [$($reference:expr),* $(,)?],)?
            $(laws: $laws:expr,)?
        }
        columns {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $kind:ty $([$($unit:literal)? $(; $($rule:expr),+ $(,)?)?])?
            ),+ $(,)?
        }
    ) => {
        $(#[doc = $table_doc])+
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $row {
            $($(#[doc = $doc])+ pub $field: $kind,)+
        }

        const _: () = {
            #[allow(unused_imports, reason = "not every table needs each of them in its declaration")]
            use $crate::tables::{Cell, Column, Field, Reference, Row, RowError, Rule, Table, TableSchema};
            #[allow(unused_imports, reason = "only a table with laws reports")]
            use $crate::guardian::{JsonFields, Report, Violation};

            static SCHEMA: TableSchema = TableSchema {
                name: $name,
                doc: concat!($($table_doc, "\n"),+),
                grain: $grain,
                columns: &[$(
                    Column {
                        name: stringify!($field),
                        kind: <$kind as Field>::KIND,
                        nullable: <$kind as Field>::NULLABLE,
                        unit: $crate::first!($($($unit)?)?),
                        doc: concat!($($doc, "\n"),+),
                        rules: &[$($($($rule),+)?)?],
                    },
                )+],
                key: &[$($key),+],
                settled: $crate::first!($($settled)?),
                grows_by: $crate::first!($($grows_by)?),
                references: &[$($($reference),*)?],
            };

            impl Table for $row {
                fn schema() -> &'static TableSchema {
                    &SCHEMA
                }

                fn cells(&self) -> Row {
                    vec![$(Field::to_cell(&self.$field)),+]
                }

                fn from_cells(cells: Row) -> Result<Self, RowError> {
                    RowError::check_width(&SCHEMA, cells.len())?;
                    let mut cells = cells.into_iter();
                    Ok(Self {
                        $($field: Field::from_cell(cells.next().unwrap_or(Cell::Null))
                            .map_err(|source| RowError::column(&SCHEMA, stringify!($field), source))?,)+
                    })
                }

                fn from_json(mut fields: JsonFields) -> Result<Self, Vec<Violation>> {
                    $(let $field: Option<$kind> = fields.take(stringify!($field));)+
                    match ($($field,)+ fields.finish()) {
                        ($(Some($field),)+ Ok(())) => Ok(Self { $($field),+ }),
                        (.., violations) => Err(violations.err().unwrap_or_default()),
                    }
                }

                $(fn laws(&self, report: &mut Report) {
                    ($laws)(self, report);
                })?
            }
        };
    };
}

/// Returns the argument in `Some`, or `None` when there is none; a part of [`crate::table!`].
#[doc(hidden)]
#[macro_export]
macro_rules! first {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}
