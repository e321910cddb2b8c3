//! Columns as documents hold them: each the Base64 text of its numbers' bytes, little end first.
//!
//! A session has up to 1,440 candles and every decision reads its columns. As numbers in JSON they took a millisecond
//! to read and, in stores that index what they can, an index entry each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Columns;

#[derive(Serialize, Deserialize)]
struct Packed {
    open_time: String,
    open: String,
    high: String,
    low: String,
    close: String,
    volume: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    volume_delta: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imbalance: Option<String>,
}

/// Writes `columns` packed.
///
/// # Errors
/// When the serializer fails.
pub fn serialize<S: Serializer>(columns: &Columns, serializer: S) -> Result<S::Ok, S::Error> {
    let reals = |column: &Vec<f64>| packed(column.iter().map(|value| value.to_le_bytes()));
    Packed {
        open_time: packed(columns.open_time.iter().map(|time| time.to_le_bytes())),
        open: reals(&columns.open),
        high: reals(&columns.high),
        low: reals(&columns.low),
        close: reals(&columns.close),
        volume: reals(&columns.volume),
        volume_delta: columns.volume_delta.as_ref().map(reals),
        imbalance: columns.imbalance.as_ref().map(reals),
    }
    .serialize(serializer)
}

/// Reads packed columns.
///
/// # Errors
/// When a column is no Base64 text, or no whole number of numbers.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Columns, D::Error> {
    let Packed { open_time, open, high, low, close, volume, volume_delta, imbalance } =
        Packed::deserialize(deserializer)?;
    let reals = |text: String| unpacked(&text, f64::from_le_bytes).map_err(D::Error::custom);
    Ok(Columns {
        open_time: unpacked(&open_time, i64::from_le_bytes).map_err(D::Error::custom)?,
        open: reals(open)?,
        high: reals(high)?,
        low: reals(low)?,
        close: reals(close)?,
        volume: reals(volume)?,
        volume_delta: volume_delta.map(reals).transpose()?,
        imbalance: imbalance.map(reals).transpose()?,
    })
}

/// Moments, packed as a column is.
pub mod times {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{packed, unpacked};
    use crate::timeframe::UnixMillis;

    /// Writes `times` packed.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(times: &[UnixMillis], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&packed(times.iter().map(|time| time.to_le_bytes())))
    }

    /// Reads packed moments.
    ///
    /// # Errors
    /// When they are no Base64 text, or no whole number of moments.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<UnixMillis>, D::Error> {
        unpacked(&String::deserialize(deserializer)?, i64::from_le_bytes).map_err(D::Error::custom)
    }
}

fn packed(numbers: impl Iterator<Item = [u8; 8]>) -> String {
    STANDARD_NO_PAD.encode(numbers.flatten().collect::<Vec<u8>>())
}

fn unpacked<T>(text: &str, number: impl Fn([u8; 8]) -> T) -> Result<Vec<T>, String> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|error| format!("a column is damaged: {error}"))?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(format!("a column is damaged: {} bytes are no whole number of values", bytes.len()));
    }
    Ok(numbers.iter().map(|bytes| number(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Held {
        #[serde(with = "super")]
        columns: Columns,
    }

    fn held() -> Held {
        let values = vec![1.5, f64::MIN_POSITIVE, 0.1 + 0.2];
        let columns = Columns {
            open_time: vec![i64::MIN, 0, i64::MAX],
            open: values.clone(),
            high: values.clone(),
            low: values.clone(),
            close: values.clone(),
            volume: values.clone(),
            volume_delta: Some(values),
            imbalance: None,
        };
        Held { columns }
    }

    #[test]
    fn every_bit_comes_back() {
        let json = serde_json::to_value(held()).unwrap();
        assert!(json["columns"]["close"].is_string() && json["columns"].get("imbalance").is_none(), "{json}");
        assert_eq!(serde_json::from_value::<Held>(json).unwrap(), held());
        let empty = Held { columns: Columns::default() };
        assert_eq!(serde_json::from_value::<Held>(serde_json::to_value(&empty).unwrap()).unwrap(), empty);
    }

    #[test]
    fn damaged_column_is_refused() {
        let mut json = serde_json::to_value(held()).unwrap();
        json["columns"]["low"] = json!("AAAA");
        let error = serde_json::from_value::<Held>(json.clone()).unwrap_err().to_string();
        assert!(error.contains("3 bytes are no whole number"), "{error}");
        json["columns"]["low"] = json!("not Base64!");
        assert!(serde_json::from_value::<Held>(json).unwrap_err().to_string().contains("damaged"));
    }
}
