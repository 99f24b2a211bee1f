//! Rules in few words: the shapes of the `nftables` crate that Weft's two tables are made of.

use std::borrow::Cow;

use nftables::expr::{Expression, Meta, MetaKey, NamedExpression, Payload, PayloadField};
use nftables::schema::{Chain, NfListObject, Rule, Table};
use nftables::stmt::{Accept, Drop, JumpTarget, Match, Operator, Statement};
use nftables::types::{NfChainPolicy, NfChainType, NfFamily, NfHook};

/// A table and the chain that is spoken of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    pub(crate) family: NfFamily,
    pub(crate) table: &'static str,
}

impl Home {
    pub(crate) fn table(self) -> NfListObject<'static> {
        NfListObject::Table(Table { family: self.family, name: self.table.into(), handle: None })
    }

    /// A base chain that accepts whatever its rules say nothing about.
    pub(crate) fn chain(
        self,
        name: &'static str,
        kind: NfChainType,
        (hook, priority): (NfHook, i32),
    ) -> NfListObject<'static> {
        NfListObject::Chain(Chain {
            family: self.family,
            table: self.table.into(),
            name: name.into(),
            _type: Some(kind),
            hook: Some(hook),
            prio: Some(priority),
            policy: Some(NfChainPolicy::Accept),
            ..Chain::default()
        })
    }

    /// A chain that rules of others jump to.
    pub(crate) fn branch(self, name: &'static str) -> NfListObject<'static> {
        NfListObject::Chain(Chain {
            family: self.family,
            table: self.table.into(),
            name: name.into(),
            ..Chain::default()
        })
    }

    /// A rule at the end of a chain.
    pub(crate) fn rule(
        self,
        chain: &'static str,
        statements: Vec<Statement<'static>>,
    ) -> NfListObject<'static> {
        NfListObject::Rule(Rule {
            family: self.family,
            table: self.table.into(),
            chain: chain.into(),
            expr: Cow::Owned(statements),
            ..Rule::default()
        })
    }
}

/// A header's field.
pub(crate) fn field(protocol: &'static str, field: &'static str) -> Expression<'static> {
    let field = PayloadField { protocol: protocol.into(), field: field.into() };
    Expression::Named(NamedExpression::Payload(Payload::PayloadField(field)))
}

pub(crate) const fn meta(key: MetaKey) -> Expression<'static> {
    Expression::Named(NamedExpression::Meta(Meta { key }))
}

pub(crate) fn text(text: impl Into<Cow<'static, str>>) -> Expression<'static> {
    Expression::String(text.into())
}

pub(crate) fn number(number: impl Into<u32>) -> Expression<'static> {
    Expression::Number(number.into())
}

pub(crate) const fn is(
    left: Expression<'static>,
    right: Expression<'static>,
) -> Statement<'static> {
    Statement::Match(Match { left, right, op: Operator::EQ })
}

pub(crate) const fn is_not(
    left: Expression<'static>,
    right: Expression<'static>,
) -> Statement<'static> {
    Statement::Match(Match { left, right, op: Operator::NEQ })
}

pub(crate) fn jump(chain: &'static str) -> Statement<'static> {
    Statement::Jump(JumpTarget { target: chain.into() })
}

pub(crate) const ACCEPT: Statement<'static> = Statement::Accept(None::<Accept>);
pub(crate) const DROP: Statement<'static> = Statement::Drop(None::<Drop>);
