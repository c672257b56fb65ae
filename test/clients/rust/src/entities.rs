//! Entities of the tests' program, made and shown.
use crate::link::hex;
use crate::protocol::google::rpc::Status as RpcStatus;
use crate::protocol::p4::config::v1::{P4Info, Preamble};
use crate::protocol::p4::v1::{
    Action, Entity, Error, FieldMatch, TableAction, TableEntry, Update, action::Param, entity,
    field_match, field_match::FieldMatchType, table_action, update,
};
use prost::Message;
use serde_json::{Value, json};
use std::collections::HashMap;
use tonic::Status;

/// Ids by the alias of a table, an action and so on, and back.
pub struct Names {
    id: HashMap<String, u32>,
    name: HashMap<u32, String>,
}

impl Names {
    pub fn of(info: &P4Info) -> Self {
        let mut names = Self {
            id: HashMap::new(),
            name: HashMap::new(),
        };
        info.tables
            .iter()
            .for_each(|each| names.add(&each.preamble));
        info.actions
            .iter()
            .for_each(|each| names.add(&each.preamble));
        info.action_profiles
            .iter()
            .for_each(|each| names.add(&each.preamble));
        info.counters
            .iter()
            .for_each(|each| names.add(&each.preamble));
        info.meters
            .iter()
            .for_each(|each| names.add(&each.preamble));
        info.digests
            .iter()
            .for_each(|each| names.add(&each.preamble));
        names
    }

    fn add(&mut self, preamble: &Option<Preamble>) {
        let preamble = preamble.as_ref().unwrap();
        self.id.insert(preamble.alias.clone(), preamble.id);
        self.name.insert(preamble.id, preamble.alias.clone());
    }

    pub fn id(&self, name: &str) -> u32 {
        self.id[name]
    }

    pub fn action(&self, name: &str, parameters: &[u8]) -> Action {
        let param = |(param_id, &value): (u32, &u8)| Param {
            param_id,
            value: vec![value],
        };
        Action {
            action_id: self.id(name),
            params: (1..).zip(parameters).map(param).collect(),
        }
    }

    pub fn perform(&self, name: &str, parameters: &[u8]) -> table_action::Type {
        table_action::Type::Action(self.action(name, parameters))
    }

    pub fn entry(
        &self,
        table: &str,
        action: table_action::Type,
        matches: Vec<FieldMatch>,
    ) -> TableEntry {
        TableEntry {
            table_id: self.id(table),
            r#match: matches,
            action: Some(TableAction {
                r#type: Some(action),
            }),
            ..Default::default()
        }
    }

    /// The route number `i`: one prefix of 48 bits each.
    pub fn route(&self, i: usize) -> TableEntry {
        let value = [6, 0, 0, 1, (i >> 8) as u8, i as u8];
        self.entry(
            "routes",
            self.perform("forward", &[2]),
            vec![lpm(48, &value)],
        )
    }

    pub fn all(&self, table: &str) -> Entity {
        wanted(TableEntry {
            table_id: self.id(table),
            ..Default::default()
        })
    }

    /// Table entries as text, sorted.
    pub fn shown(&self, entities: Vec<Entity>) -> Value {
        let entries = entities.into_iter().filter_map(|each| match each.entity {
            Some(entity::Entity::TableEntry(entry)) => Some(self.shown_entry(&entry)),
            _ => None,
        });
        let mut lines: Vec<String> = entries.collect();
        lines.sort();
        json!(lines)
    }

    pub fn shown_entry(&self, entry: &TableEntry) -> String {
        let fields: Vec<String> = entry.r#match.iter().map(shown_match).collect();
        let action = self.shown_action(
            entry
                .action
                .as_ref()
                .and_then(|action| action.r#type.as_ref()),
        );
        format!(
            "{} {{{}}} {} {}",
            self.name[&entry.table_id],
            fields.join(", "),
            action,
            entry.priority
        )
    }

    fn shown_call(&self, action: &Action) -> String {
        let values: Vec<String> = action
            .params
            .iter()
            .map(|param| hex(&param.value))
            .collect();
        format!("{}({})", self.name[&action.action_id], values.join(", "))
    }

    fn shown_action(&self, action: Option<&table_action::Type>) -> String {
        match action {
            Some(table_action::Type::Action(action)) => self.shown_call(action),
            Some(table_action::Type::ActionProfileMemberId(id)) => format!("member {id}"),
            Some(table_action::Type::ActionProfileGroupId(id)) => format!("group {id}"),
            Some(table_action::Type::ActionProfileActionSet(set)) => {
                let actions = set.action_profile_actions.iter();
                let shown = actions.map(|each| {
                    format!(
                        "{}*{}",
                        self.shown_call(each.action.as_ref().unwrap()),
                        each.weight
                    )
                });
                format!("any of {}", shown.collect::<Vec<_>>().join(", "))
            }
            None => "nothing".to_owned(),
        }
    }
}

fn shown_match(field: &FieldMatch) -> String {
    let id = field.field_id;
    match field.field_match_type.as_ref().unwrap() {
        FieldMatchType::Exact(kind) => format!("{id}={}", hex(&kind.value)),
        FieldMatchType::Lpm(kind) => format!("{id}={}/{}", hex(&kind.value), kind.prefix_len),
        FieldMatchType::Ternary(kind) => format!("{id}={}&{}", hex(&kind.value), hex(&kind.mask)),
        FieldMatchType::Optional(kind) => format!("{id}={}?", hex(&kind.value)),
        FieldMatchType::Range(kind) => format!("{id}={}..{}", hex(&kind.low), hex(&kind.high)),
        FieldMatchType::Other(_) => "?".to_owned(),
    }
}

fn field(field_id: u32, kind: FieldMatchType) -> FieldMatch {
    FieldMatch {
        field_id,
        field_match_type: Some(kind),
    }
}

pub fn exact(value: &[u8]) -> FieldMatch {
    field(
        1,
        FieldMatchType::Exact(field_match::Exact {
            value: value.to_vec(),
        }),
    )
}

pub fn lpm(prefix_len: i32, value: &[u8]) -> FieldMatch {
    field(
        1,
        FieldMatchType::Lpm(field_match::Lpm {
            value: value.to_vec(),
            prefix_len,
        }),
    )
}

pub fn ternary(id: u32, value: &[u8], mask: &[u8]) -> FieldMatch {
    field(
        id,
        FieldMatchType::Ternary(field_match::Ternary {
            value: value.to_vec(),
            mask: mask.to_vec(),
        }),
    )
}

pub fn optional(id: u32, value: &[u8]) -> FieldMatch {
    field(
        id,
        FieldMatchType::Optional(field_match::Optional {
            value: value.to_vec(),
        }),
    )
}

pub fn between(id: u32, low: u8, high: u8) -> FieldMatch {
    field(
        id,
        FieldMatchType::Range(field_match::Range {
            low: vec![low],
            high: vec![high],
        }),
    )
}

/// What stands in an entity.
pub trait Part: Clone {
    fn part(self) -> entity::Entity;
}

macro_rules! parts {
    ($($name:ident)*) => {
        $(impl Part for crate::protocol::p4::v1::$name {
            fn part(self) -> entity::Entity {
                entity::Entity::$name(self)
            }
        })*
    };
}
parts!(TableEntry ActionProfileMember ActionProfileGroup CounterEntry DirectCounterEntry MeterEntry DigestEntry);

pub fn wanted(part: impl Part) -> Entity {
    Entity {
        entity: Some(part.part()),
    }
}

pub fn insert(part: &impl Part) -> Update {
    Update {
        r#type: update::Type::Insert as i32,
        entity: Some(wanted(part.clone())),
    }
}

pub fn modify(part: &impl Part) -> Update {
    Update {
        r#type: update::Type::Modify as i32,
        entity: Some(wanted(part.clone())),
    }
}

pub fn delete(part: &impl Part) -> Update {
    Update {
        r#type: update::Type::Delete as i32,
        entity: Some(wanted(part.clone())),
    }
}

/// What a call ended with: null if all is well. One of `updates` for each update, in order; none without details.
pub fn failed(result: &Result<(), Status>) -> Value {
    let Err(status) = result else {
        return Value::Null;
    };
    let details = RpcStatus::decode(status.details()).unwrap().details;
    let updates = details
        .iter()
        .map(|any| code_name(Error::decode(any.value.as_slice()).unwrap().canonical_code));
    json!({
        "code": code_name(status.code() as i32),
        "message": status.message(),
        "updates": updates.collect::<Vec<_>>(),
    })
}

pub fn code_name(code: i32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES[code as usize]
}
