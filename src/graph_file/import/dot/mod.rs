//! DOT, the language of Graphviz, as far as it tells a task graph: tasks, dependences, and the duration of a task as
//! its attribute `duration` or, where that is absent, `weight`.
//!
//! Read are the grammar's node and edge statements with all their ids, chains, ports, lists of nodes and subgraphs as
//! ends of edges, attribute lists, and `node [..]` defaults within their braces. Everything that only draws is
//! skipped, and so is the `weight` of an edge, which is about its length. Edges that are repeated count once, `strict`
//! or not: a task waits for another one or does not.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::draft::{Draft, MOST_TASKS};
use super::refusal::Refusal;
use super::{Unit, all_or_none};
use attribute::{Bearer, Durations};
use lexer::{Keyword, Kind, Lexer, Token};
use sign::Signs;

mod attribute;
mod lexer;
mod sign;

/// Edges that are made beyond one for each byte of the file, which is more than can be written out one by one. A
/// short file can ask for many: `{..} -> {..}` joins every pair.
const EDGES_BEYOND: usize = 1 << 20;

/// The most braces that are open at once.
const DEEPEST: usize = 1 << 20;

pub(super) fn parse(text: &str) -> Result<Draft, Refusal> {
    let mut parser = Parser::new(text)?;
    parser.header()?;
    parser.statements()?;
    parser.draft()
}

/// What stands between two braces.
#[derive(Default)]
struct Scope {
    defaults: Durations,
    /// Where the nodes that stand in it begin among all members.
    members_start: usize,
    /// What stands left of the arrow before the braces.
    left: Option<Range<usize>>,
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    numbers: HashMap<Cow<'a, str>, u32>,
    /// Of each node: where it is first named.
    starts: Vec<u32>,
    durations: Vec<Durations>,
    dependences: Vec<(u32, u32)>,
    /// Every mention of a node, in order. The nodes between two braces are a range of it.
    members: Vec<u32>,
    /// The most edges that are made of this file.
    most_edges: usize,
    /// The braces that are open; the last one is the innermost.
    scopes: Vec<Scope>,
    signs: Signs,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, Refusal> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        Ok(Self {
            lexer,
            most_edges: text.len().saturating_add(EDGES_BEYOND),
            token,
            numbers: HashMap::new(),
            starts: Vec::new(),
            durations: Vec::new(),
            dependences: Vec::new(),
            members: Vec::new(),
            scopes: Vec::new(),
            signs: Signs::default(),
        })
    }

    /// The current word; goes on to the next one.
    fn advance(&mut self) -> Result<Token<'a>, Refusal> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    /// Goes on if the current word is this one.
    fn accept(&mut self, kind: &Kind<'_>) -> Result<bool, Refusal> {
        let is_there = self.token.kind == *kind;
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    fn expect_id(&mut self, what: &str) -> Result<(Cow<'a, str>, usize), Refusal> {
        match self.advance()? {
            Token {
                kind: Kind::Id(id),
                start,
            } => Ok((id, start)),
            other => Err(unexpected(&other, what)),
        }
    }

    fn expect(&mut self, sign: u8) -> Result<(), Refusal> {
        let token = self.advance()?;
        if token.kind != Kind::Sign(sign) {
            return Err(unexpected(&token, &format!("`{}`", char::from(sign))));
        }
        Ok(())
    }

    /// `strict digraph NAME {`
    fn header(&mut self) -> Result<(), Refusal> {
        self.accept(&Kind::Keyword(Keyword::Strict))?;
        let token = self.advance()?;
        match token.kind {
            Kind::Keyword(Keyword::Digraph) => {}
            Kind::Keyword(Keyword::Graph) => {
                let message = "this graph has no directions, so nothing comes before anything else";
                let help = "begin it with `digraph`, and write its edges with `->`";
                return Err(Refusal::new(message, help).at_byte(token.start));
            }
            _ => return Err(unexpected(&token, "`digraph`")),
        }
        if let Kind::Id(name) = &self.token.kind {
            self.signs.graph_name = name.to_string();
            self.advance()?;
        }
        self.expect(b'{')?;
        self.scopes.push(Scope::default());
        Ok(())
    }

    /// Everything up to the last closing brace.
    fn statements(&mut self) -> Result<(), Refusal> {
        while !self.scopes.is_empty() {
            self.statement()?;
        }
        match &self.token.kind {
            Kind::End => Ok(()),
            _ => Err(Refusal::new(
                "there is something behind the end of the graph",
                "one file holds one graph: put others into files of their own",
            )
            .at_byte(self.token.start)),
        }
    }

    /// One statement, or as much of it as stands before the next brace.
    fn statement(&mut self) -> Result<(), Refusal> {
        let token = self.advance()?;
        match token.kind {
            Kind::Sign(b';') => Ok(()),
            Kind::Sign(b'{') => self.open(None),
            Kind::Sign(b'}') => self.close(),
            Kind::Keyword(Keyword::Subgraph) => self.subgraph(None),
            Kind::Keyword(Keyword::Node) => self.defaults(),
            Kind::Keyword(Keyword::Edge) => self.attributes(Bearer::Other).map(|_| ()),
            Kind::Keyword(Keyword::Graph) => self.attributes(Bearer::Graph).map(|_| ()),
            Kind::Id(key) if self.token.kind == Kind::Sign(b'=') => {
                self.advance()?;
                let (value, _) = self.expect_id("a value")?;
                self.signs.note_attribute(&key, &value);
                Ok(())
            }
            Kind::Id(id) => {
                let nodes = self.nodes(id, token.start)?;
                self.behind_operand(None, nodes)
            }
            _ => Err(unexpected(&token, "a node, an edge or `}`")),
        }
    }

    /// What stands behind one end of an edge: the other end, attributes or nothing.
    fn behind_operand(
        &mut self,
        mut left: Option<Range<usize>>,
        mut operand: Range<usize>,
    ) -> Result<(), Refusal> {
        loop {
            if let Some(left) = left.clone() {
                operand = self.connect(left, operand)?;
            }
            if self.token.kind == Kind::Line {
                let help = "write `->`, from what comes first to what waits for it";
                return Err(Refusal::new("`--` has no direction", help).at_byte(self.token.start));
            }
            if !self.accept(&Kind::Arrow)? {
                break;
            }
            left = Some(operand);
            let token = self.advance()?;
            operand = match token.kind {
                Kind::Id(id) => self.nodes(id, token.start)?,
                Kind::Sign(b'{') => return self.open(left),
                Kind::Keyword(Keyword::Subgraph) => return self.subgraph(left),
                _ => return Err(unexpected(&token, "a node or `{` behind `->`")),
            };
        }
        match left {
            Some(_) => self.attributes(Bearer::Other).map(|_| ()),
            None => self.node_attributes(operand),
        }
    }

    /// `subgraph NAME {`, without its first word.
    fn subgraph(&mut self, left: Option<Range<usize>>) -> Result<(), Refusal> {
        if matches!(self.token.kind, Kind::Id(_)) {
            self.advance()?;
        }
        self.expect(b'{')?;
        self.open(left)
    }

    /// Goes into braces that stand right of an arrow, or for themselves.
    fn open(&mut self, left: Option<Range<usize>>) -> Result<(), Refusal> {
        if self.scopes.len() > DEEPEST {
            let message = format!("more than {DEEPEST} braces are open");
            return Err(Refusal::new(message, "close some").at_byte(self.token.start));
        }
        self.scopes.push(Scope {
            defaults: self.scope().defaults,
            members_start: self.members.len(),
            left,
        });
        Ok(())
    }

    /// Comes out of braces.
    fn close(&mut self) -> Result<(), Refusal> {
        let closed = self.scopes.pop().unwrap_or_default();
        if self.scopes.is_empty() {
            return Ok(());
        }
        let members = closed.members_start..self.members.len();
        let is_end = closed.left.is_some() || matches!(self.token.kind, Kind::Arrow | Kind::Line);
        if is_end {
            return self.behind_operand(closed.left, members);
        }
        Ok(())
    }

    fn scope(&self) -> &Scope {
        // The header opens the first one, and there are no statements behind its end.
        self.scopes.last().expect("a brace is open")
    }

    /// One end of an edge that begins with this name: a node, or several between commas.
    fn nodes(&mut self, name: Cow<'a, str>, start: usize) -> Result<Range<usize>, Refusal> {
        let first = self.members.len();
        self.node(name, start)?;
        while self.accept(&Kind::Sign(b','))? {
            let (name, start) = self.expect_id("a node behind `,`")?;
            self.node(name, start)?;
        }
        Ok(first..self.members.len())
    }

    /// Makes the node of this name a member, without its port.
    fn node(&mut self, name: Cow<'a, str>, start: usize) -> Result<(), Refusal> {
        while self.accept(&Kind::Sign(b':'))? {
            self.expect_id("a port")?;
        }
        let next = self.starts.len() as u32;
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            // A file that is read has fewer than 2^32 bytes.
            self.starts.push(start as u32);
            self.durations.push(self.scope().defaults);
        }
        self.members.push(number);
        Ok(())
    }

    /// Makes every node of `right`, the last members, wait for every node of `left`, which stands just before them.
    /// Returns where `right` stands then.
    ///
    /// Goes through members only where it makes edges of them, at least one for each that stays: a file may have
    /// groups in groups, each before or behind an empty one, which would take quadratic time otherwise.
    fn connect(
        &mut self,
        left: Range<usize>,
        right: Range<usize>,
    ) -> Result<Range<usize>, Refusal> {
        if left.is_empty() || right.is_empty() {
            return Ok(right);
        }
        let right = distinct(self.members.split_off(right.start));
        let left = distinct(self.members.split_off(left.start));
        let added = left.len().saturating_mul(right.len());
        if self.dependences.len().saturating_add(added) > self.most_edges {
            let message = format!("there are more than {} edges", self.most_edges);
            let help = "`{..} -> {..}` joins every pair: put a node in between";
            return Err(Refusal::new(message, help).at_byte(self.token.start));
        }
        for before in &left {
            self.dependences
                .extend(right.iter().map(|behind| (*before, *behind)));
        }
        // Each node once, or what stands in many braces would be gone through for each of them.
        self.members.extend(left);
        let right_start = self.members.len();
        self.members.extend(right);
        Ok(right_start..self.members.len())
    }

    /// `[..]` behind `node`.
    fn defaults(&mut self) -> Result<(), Refusal> {
        let stated = self.attributes(Bearer::Defaults)?;
        let scope = self.scopes.last_mut().expect("a brace is open");
        scope.defaults = stated.or(scope.defaults);
        Ok(())
    }

    /// `[..]` behind nodes, if it is there.
    fn node_attributes(&mut self, nodes: Range<usize>) -> Result<(), Refusal> {
        let stated = self.attributes(Bearer::Node(self.members[nodes.start]))?;
        for node in &self.members[nodes] {
            let durations = &mut self.durations[*node as usize];
            *durations = stated.or(*durations);
        }
        Ok(())
    }

    fn draft(self) -> Result<Draft, Refusal> {
        if self.starts.len() >= MOST_TASKS {
            return Err(Refusal::new(
                "there are too many nodes",
                "take a part of the graph",
            ));
        }
        let durations = self.durations.iter().map(|one| one.duration.or(one.weight));
        let durations = all_or_none(durations.collect(), |without| {
            let message = format!(
                "{} has no `duration` or `weight`, but others have",
                self.task(without as u32)
            );
            let help = "give every task its duration (0 is one), or none; `node [duration=1];` before the tasks gives \
                        one to all";
            Refusal::new(message, help).at_byte(self.starts[without] as usize)
        })?;
        let mut names = vec![String::new(); self.starts.len()];
        for (name, number) in self.numbers {
            names[number as usize] = name.into_owned();
        }
        Ok(Draft {
            depends_on_sign: self.signs.depends_on(&names, &self.dependences),
            names,
            starts: self.starts.into_iter().map(Some).collect(),
            dependences: self.dependences,
            durations,
            unit: Unit::None,
            notes: Vec::new(),
        })
    }
}

/// Each node once, in ascending order.
fn distinct(mut nodes: Vec<u32>) -> Vec<u32> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

fn unexpected(token: &Token<'_>, expected: &str) -> Refusal {
    let help = match token.kind {
        Kind::End => "the file was cut off: fetch it again, or close what is open",
        Kind::Keyword(_) => {
            "this word has a meaning of its own: as a name it stands in double quotes"
        }
        _ => "the language is described at https://graphviz.org/doc/info/lang.html",
    };
    let found = token.kind.describe();
    Refusal::new(format!("found {found}, expected {expected}"), help).at_byte(token.start)
}
