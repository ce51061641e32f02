//! From the tree of the configuration to a struct of somebody else, with the line of whatever does not fit.

use std::fmt;

use hygge_core::Error;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserializer, de};

use super::options::Options;
use crate::config::Problem;
use crate::config::tree::{Name, Node, Pos, Scalar, Value, any_of, nearest};

/// Why a value does not fit.
#[derive(Debug)]
pub(crate) struct Wrong {
    at: Option<Pos>,
    found: Found,
}

#[derive(Debug)]
enum Found {
    /// What is wrong, and what to write.
    Value(String, Option<String>),
    /// A key that is none of these.
    Key(String, &'static [&'static str]),
    /// Told already.
    Silent,
}

impl Wrong {
    fn new(at: &Pos, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { at: Some(at.clone()), found: Found::Value(found.into(), Some(advice.into())) }
    }

    /// Where it is, unless that is known better.
    fn or_at(mut self, at: &Pos) -> Self {
        self.at.get_or_insert_with(|| at.clone());
        self
    }

    /// As a problem of the configuration; none if it was told before.
    pub(crate) fn problem(self, options: &Options) -> Option<Problem> {
        let at = self.at.unwrap_or_else(|| options.position().clone());
        let what = options.what();
        match self.found {
            Found::Silent => None,
            Found::Value(found, None) => {
                Some(Problem::at(&at, found).next(format!("mend it: {what} does not take it as it is")))
            }
            Found::Value(found, Some(advice)) => Some(Problem::at(&at, found).next(advice)),
            Found::Key(key, known) => {
                let shown = crate::config::mask(&key);
                let problem = Problem::at(&at, format!("`{shown}` is nothing that {what} knows"));
                Some(match (nearest(&key, known.iter().copied()), known) {
                    (Some(near), _) => problem.next(format!("write `{near}`, if that was meant")),
                    (None, []) => problem.next("take the line out"),
                    (None, known) => problem.next(format!("take the line out; it takes {}", known.join(", "))),
                })
            }
        }
    }

    pub(crate) fn into_error(self, options: &Options) -> Error {
        let told = || Error::refused("its options cannot be read").at(options.here());
        self.problem(options).map_or_else(told, Problem::into_error)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.found {
            Found::Value(found, _) => found,
            Found::Key(key, _) => key,
            Found::Silent => "told already",
        })
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { at: None, found: Found::Value(text.to_string(), None) }
    }

    /// Without the value: it may be a secret.
    fn invalid_type(_: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self { at: None, found: Found::Value(format!("this is not {wanted}"), Some(format!("write {wanted}"))) }
    }

    fn invalid_value(_: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(de::Unexpected::Unit, wanted)
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        let words = any_of(known.iter().copied());
        Self { at: None, found: Found::Value(format!("this is none of {words}"), Some(format!("write {words}"))) }
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self { at: None, found: Found::Key(field.to_owned(), known) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { at: None, found: Found::Value(format!("`{field}` is missing"), Some(format!("add  {field}: …"))) }
    }
}

/// The keys of a mapping.
pub(crate) struct Mapping<'n> {
    pub(crate) at: &'n Pos,
    pub(crate) entries: &'n [(Name, Node)],
    /// The key that it is the value of.
    pub(crate) name: Option<&'n str>,
}

impl<'n> Mapping<'n> {
    fn visit<'de, V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong>
    where
        'n: 'de,
    {
        let at = self.at;
        let reader = Entries { left: self.entries.iter(), fields, value: None };
        visitor.visit_map(reader).map_err(|wrong| wrong.or_at(at))
    }
}

impl<'de> Deserializer<'de> for Mapping<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(&[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.visit(fields, visitor)
    }

    /// No options at all.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.entries.first() {
            None => visitor.visit_unit(),
            Some((name, _)) => Err(Wrong { at: Some(name.at.clone()), found: Found::Key(name.text.clone(), &[]) }),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.entries {
            [(name, node)] => visitor.visit_enum(OneKey { name, node }).map_err(|wrong| wrong.or_at(&name.at)),
            _ => Err(Wrong::new(self.at, format!("{} takes one key", shown(self.name)), "keep one of the keys")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq tuple tuple_struct map
        identifier ignored_any
    }
}

fn shown(name: Option<&str>) -> String {
    name.map_or_else(|| "this".to_owned(), |name| format!("`{name}`"))
}

struct Entries<'n> {
    left: std::slice::Iter<'n, (Name, Node)>,
    fields: &'static [&'static str],
    value: Option<(&'n Name, &'n Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((name, node)) = self.left.next() else { return Ok(None) };
        self.value = Some((name, node));
        let key: StrDeserializer<'_, Wrong> = name.text.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|wrong| wrong.or_at(&name.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some((name, node)) = self.value.take() else { return Err(de::Error::custom("a value without its key")) };
        seed.deserialize(Reader { node, name: Some(&name.text), key: Some(name), fields: self.fields })
            .map_err(|wrong| wrong.or_at(&node.at))
    }
}

struct Items<'n>(std::slice::Iter<'n, Node>, Option<&'n str>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(node) = self.0.next() else { return Ok(None) };
        let reader = Reader { node, name: self.1, key: None, fields: &[] };
        seed.deserialize(reader).map(Some).map_err(|wrong| wrong.or_at(&node.at))
    }
}

/// One value.
struct Reader<'n> {
    node: &'n Node,
    name: Option<&'n str>,
    /// The key of it, where it is one of a struct's.
    key: Option<&'n Name>,
    fields: &'static [&'static str],
}

impl<'n> Reader<'n> {
    fn scalar(&self, wanted: &str) -> Result<&'n Scalar, Wrong> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.lost => Err(Wrong { at: None, found: Found::Silent }),
            Value::Scalar(scalar) => Ok(scalar),
            _ => Err(self.wrong(wanted, self.node.kind())),
        }
    }

    fn wrong(&self, wanted: &str, is: &str) -> Wrong {
        let name = self.name.unwrap_or("key");
        let found = format!("{} takes {wanted}, and this is {is}", shown(self.name));
        Wrong::new(self.key.map_or(&self.node.at, |_| &self.node.at), found, format!("write {wanted} after  {name}:"))
    }

    fn parsed<T: std::str::FromStr>(&self, wanted: &str) -> Result<T, Wrong> {
        let scalar = self.scalar(wanted)?;
        // What stands in quotes is text, unless a variable is in it: then the quotes are only YAML's.
        let bare = !scalar.quoted || scalar.written.is_some();
        let value = scalar.text.replace('_', "").parse().ok().filter(|_| bare);
        value.ok_or_else(|| self.wrong(wanted, &format!("`{}`", crate::config::mask(scalar.shown()))))
    }

    fn mapping(&self) -> Option<Mapping<'n>> {
        let map = self.node.map()?;
        Some(Mapping { at: &self.node.at, entries: &map.entries, name: self.name })
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $wanted:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            visitor.$visit(self.parsed::<$type>($wanted)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Wrong;

    numbers! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number of 16 bits";
        deserialize_i32 visit_i32 i32, "a whole number of 32 bits";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_i128 visit_i128 i128, "a whole number";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "a whole number from 0 on";
        deserialize_u64 visit_u64 u64, "a whole number from 0 on";
        deserialize_u128 visit_u128 u128, "a whole number from 0 on";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    /// What a plain scalar is goes by YAML's core schema.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::List(items) => visitor.visit_seq(Items(items.iter(), self.name)),
            Value::Map(map) => {
                Mapping { at: &self.node.at, entries: &map.entries, name: self.name }.visit(&[], visitor)
            }
            Value::Scalar(_) => {
                let scalar = self.scalar("a value")?;
                if scalar.is_null() {
                    return visitor.visit_unit();
                }
                if scalar.quoted && scalar.written.is_none() {
                    return visitor.visit_str(&scalar.text);
                }
                match scalar.text.as_str() {
                    "true" => visitor.visit_bool(true),
                    "false" => visitor.visit_bool(false),
                    text => match (text.parse::<i64>(), text.parse::<u64>(), text.parse::<f64>()) {
                        (Ok(n), ..) => visitor.visit_i64(n),
                        (_, Ok(n), _) => visitor.visit_u64(n),
                        (.., Ok(n)) if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                            visitor.visit_f64(n)
                        }
                        _ => visitor.visit_str(text),
                    },
                }
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let scalar = self.scalar("a single text")?;
        if scalar.is_null() {
            return Err(self.wrong("a single text", "nothing"));
        }
        visitor.visit_str(&scalar.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_char(self.parsed("one character")?)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.node.is_null() { visitor.visit_unit() } else { Err(self.wrong("nothing", self.node.kind())) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::List(items) => visitor.visit_seq(Items(items.iter(), self.name)),
            _ => Err(self.wrong("a list", self.node.kind())),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let wrong = self.wrong("a mapping", self.node.kind());
        self.mapping().ok_or(wrong)?.visit(&[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let wrong = self.wrong("a mapping", self.node.kind());
        self.mapping().ok_or(wrong)?.visit(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if let Some(mapping) = self.mapping() {
            return mapping.deserialize_enum(name, known, visitor);
        }
        let scalar = self.scalar("one word")?;
        let word: StrDeserializer<'_, Wrong> = scalar.text.as_str().into_deserializer();
        visitor.visit_enum(word).map_err(|wrong| wrong.or_at(&self.node.at))
    }

    /// A key that a struct does not know: a mistake, whether the struct says so or not.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Wrong> {
        match self.key {
            Some(key) => Err(Wrong { at: Some(key.at.clone()), found: Found::Key(key.text.clone(), self.fields) }),
            None => Err(de::Error::custom("this value is nothing that is taken")),
        }
    }

    serde::forward_to_deserialize_any! { bytes byte_buf unit_struct tuple_struct }
}

/// A mapping of one key, which says which of several it is.
struct OneKey<'n> {
    name: &'n Name,
    node: &'n Node,
}

impl<'de> EnumAccess<'de> for OneKey<'de> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let word: StrDeserializer<'_, Wrong> = self.name.text.as_str().into_deserializer();
        Ok((seed.deserialize(word)?, self))
    }
}

impl<'n> OneKey<'n> {
    fn reader(&self) -> Reader<'n> {
        Reader { node: self.node, name: Some(&self.name.text), key: None, fields: &[] }
    }
}

impl<'de> VariantAccess<'de> for OneKey<'de> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        self.reader().deserialize_unit(de::IgnoredAny)?;
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(self.reader())
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.reader().deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        self.reader().deserialize_struct("", fields, visitor)
    }
}
