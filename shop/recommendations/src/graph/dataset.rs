//! The graph as the evaluator sees it: triples of terms, which are small numbers for all that is in the graph.

use std::convert::Infallible;
use std::iter::{empty, once};

use oxrdf::vocab::xsd;
use oxrdf::{Literal, NamedNode, Term};
use spareval::{ExpressionTerm, InternalQuad, QueryableDataset};

use super::embedded::{Basket, EmbeddedGraph};
use super::{SimilarTo, names};

/// A term: something in the graph, a number, or whatever else a question names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Node {
    /// By its number.
    Product(u32),
    /// By its number.
    Basket(u32),
    /// By its number.
    Department(u32),
    /// All of it.
    Shop,
    /// What leads from one to another.
    Link(Link),
    /// A whole number.
    Integer(i64),
    /// The bits of a number.
    Double(u64),
    /// Nothing of the graph.
    Other(Box<Term>),
}

/// What leads from one term to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// From a product to a basket.
    BoughtIn,
    /// From a basket to a product.
    Contains,
    /// From a basket to what it counts.
    Weight,
    /// From a product to its department.
    Department,
    /// From a department, or the shop, to a product.
    SellsBest,
    /// From a product, or the shop, to how many baskets it is in or has.
    Baskets,
}

impl Link {
    const ALL: [Self; 6] =
        [Self::BoughtIn, Self::Contains, Self::Weight, Self::Department, Self::SellsBest, Self::Baskets];

    fn name(self) -> &'static str {
        match self {
            Self::BoughtIn => "urn:shop:boughtIn",
            Self::Contains => "urn:shop:contains",
            Self::Weight => "urn:shop:weight",
            Self::Department => "urn:shop:department",
            Self::SellsBest => "urn:shop:sellsBest",
            Self::Baskets => "urn:shop:baskets",
        }
    }
}

type Nodes<'a> = Box<dyn Iterator<Item = Node> + 'a>;
type Pairs<'a> = Box<dyn Iterator<Item = (Node, Node)> + 'a>;

impl EmbeddedGraph {
    /// Where a link leads from a node.
    fn objects(&self, subject: &Node, link: Link) -> Nodes<'_> {
        match (subject.numbered(), link) {
            (Numbered::Product(product), link) => {
                let Some(facts) = self.facts.get(product as usize) else { return Box::new(empty()) };
                match link {
                    Link::BoughtIn => Box::new(facts.latest.iter().map(|basket| Node::Basket(*basket))),
                    Link::Department => Box::new(facts.department.map(Node::Department).into_iter()),
                    Link::Baskets => Box::new(once(Node::Integer(facts.baskets.into()))),
                    Link::Contains | Link::Weight | Link::SellsBest => Box::new(empty()),
                }
            }
            (Numbered::Basket(basket), link) => {
                let Some(basket) = self.baskets.get(basket as usize) else { return Box::new(empty()) };
                match link {
                    Link::Contains => Box::new(basket.products.iter().map(|product| Node::Product(*product))),
                    Link::Weight => Box::new(basket.weight().map(|weight| Node::Double(weight.to_bits())).into_iter()),
                    Link::BoughtIn | Link::Department | Link::SellsBest | Link::Baskets => Box::new(empty()),
                }
            }
            (Numbered::Department(department), Link::SellsBest) => {
                let best = self.best.of_departments.get(department as usize);
                Box::new(best.into_iter().flatten().map(|product| Node::Product(*product)))
            }
            (Numbered::Shop, Link::SellsBest) => {
                Box::new(self.best.of_shop.iter().map(|product| Node::Product(*product)))
            }
            (Numbered::Shop, Link::Baskets) => Box::new(once(Node::Integer(self.baskets_total.into()))),
            (Numbered::Department(_) | Numbered::Shop | Numbered::None, _) => Box::new(empty()),
        }
    }

    /// What a link may lead from.
    fn subjects(&self, link: Link) -> Nodes<'_> {
        let products = || (0..self.products.len()).map(Node::Product);
        match link {
            Link::BoughtIn | Link::Department => Box::new(products()),
            Link::Contains | Link::Weight => Box::new((0..self.baskets.len() as u32).map(Node::Basket)),
            Link::SellsBest => Box::new((0..self.departments.len()).map(Node::Department).chain(once(Node::Shop))),
            Link::Baskets => Box::new(products().chain(once(Node::Shop))),
        }
    }

    /// All pairs that a link connects, of one subject or of any.
    fn pairs(&self, subject: Option<&Node>, link: Link) -> Pairs<'_> {
        match subject {
            Some(subject) => {
                let subject = subject.clone();
                Box::new(self.objects(&subject, link).map(move |object| (subject.clone(), object)))
            }
            None => Box::new(self.subjects(link).flat_map(move |subject| {
                let from = subject.clone();
                self.objects(&subject, link).map(move |object| (from.clone(), object))
            })),
        }
    }
}

impl Basket {
    /// What it counts for; nothing if it is not there.
    fn weight(&self) -> Option<f64> {
        let others = self.products.len().checked_sub(1)?;
        Some((others.max(1) as f64).powf(SimilarTo::WEIGHT_EXPONENT))
    }
}

/// What a node is, without what is big in it.
#[derive(Debug, Clone, Copy)]
enum Numbered {
    Product(u32),
    Basket(u32),
    Department(u32),
    Shop,
    None,
}

impl Node {
    fn numbered(&self) -> Numbered {
        match self {
            Self::Product(number) => Numbered::Product(*number),
            Self::Basket(number) => Numbered::Basket(*number),
            Self::Department(number) => Numbered::Department(*number),
            Self::Shop => Numbered::Shop,
            Self::Link(_) | Self::Integer(_) | Self::Double(_) | Self::Other(_) => Numbered::None,
        }
    }

    fn of_name(graph: &EmbeddedGraph, name: &str) -> Option<Self> {
        let link = || Link::ALL.into_iter().find(|link| link.name() == name).map(Self::Link);
        let product = || graph.products.number(&names::product_of(name)?).map(Self::Product);
        let department = || graph.departments.number(&names::department_of(name)?).map(Self::Department);
        let basket = || names::basket_of(name).map(Self::Basket);
        let shop = || (name == names::SHOP).then_some(Self::Shop);
        let found = link().or_else(shop).or_else(product).or_else(basket).or_else(department);
        // Another spelling of a name is another name.
        found.filter(|node| node.name(graph).is_some_and(|it| it.as_str() == name))
    }

    fn of_literal(literal: &Literal) -> Option<Self> {
        let node = if literal.datatype() == xsd::INTEGER {
            Self::Integer(literal.value().parse().ok()?)
        } else if literal.datatype() == xsd::DOUBLE {
            Self::Double(literal.value().parse::<f64>().ok()?.to_bits())
        } else {
            return None;
        };
        // `01` and `1` are the same number and two terms.
        node.literal().filter(|it| it == literal).map(|_| node)
    }

    fn name(&self, graph: &EmbeddedGraph) -> Option<NamedNode> {
        match self {
            Self::Product(number) => graph.products.text(*number).map(names::product),
            Self::Department(number) => graph.departments.text(*number).map(names::department),
            Self::Basket(number) => Some(names::basket(*number)),
            Self::Shop => Some(NamedNode::new_unchecked(names::SHOP)),
            Self::Link(link) => Some(NamedNode::new_unchecked(link.name())),
            Self::Integer(_) | Self::Double(_) | Self::Other(_) => None,
        }
    }

    fn literal(&self) -> Option<Literal> {
        match self {
            Self::Integer(number) => Some(Literal::from(*number)),
            Self::Double(bits) => Some(Literal::from(f64::from_bits(*bits))),
            _ => None,
        }
    }
}

impl<'a> QueryableDataset<'a> for &'a EmbeddedGraph {
    type InternalTerm = Node;
    type Error = Infallible;

    fn internal_quads_for_pattern(
        &self,
        subject: Option<&Node>,
        predicate: Option<&Node>,
        object: Option<&Node>,
        graph_name: Option<Option<&Node>>,
    ) -> impl Iterator<Item = Result<InternalQuad<Node>, Infallible>> + use<'a> {
        let graph: &'a EmbeddedGraph = self;
        // All is in the default graph.
        let links = match (graph_name, predicate) {
            (Some(Some(_)) | None, _) => Vec::new(),
            (Some(None), None) => Link::ALL.to_vec(),
            (Some(None), Some(Node::Link(link))) => vec![*link],
            (Some(None), Some(_)) => Vec::new(),
        };
        let (subject, object) = (subject.cloned(), object.cloned());
        links.into_iter().flat_map(move |link| {
            let object = object.clone();
            let pairs = graph.pairs(subject.as_ref(), link);
            let wanted = pairs.filter(move |(_, to)| object.as_ref().is_none_or(|wanted| wanted == to));
            wanted.map(move |(subject, object)| {
                Ok(InternalQuad { subject, predicate: Node::Link(link), object, graph_name: None })
            })
        })
    }

    fn internal_named_graphs(&self) -> impl Iterator<Item = Result<Node, Infallible>> + use<'a> {
        empty()
    }

    fn contains_internal_graph_name(&self, _: &Node) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn internalize_term(&self, term: Term) -> Result<Node, Infallible> {
        let node = match &term {
            Term::NamedNode(name) => Node::of_name(self, name.as_str()),
            Term::Literal(literal) => Node::of_literal(literal),
            Term::BlankNode(_) => None,
        };
        Ok(node.unwrap_or_else(|| Node::Other(Box::new(term))))
    }

    fn externalize_term(&self, term: Node) -> Result<Term, Infallible> {
        if let Node::Other(term) = term {
            return Ok(*term);
        }
        let name = term.name(self).map(Term::from);
        // A number that no name belongs to is given out by nobody.
        Ok(name.or_else(|| term.literal().map(Term::from)).unwrap_or_else(|| Literal::from("").into()))
    }

    fn externalize_expression_term(&self, term: Node) -> Result<ExpressionTerm, Infallible> {
        Ok(match term {
            Node::Integer(number) => ExpressionTerm::IntegerLiteral(number.into()),
            Node::Double(bits) => ExpressionTerm::DoubleLiteral(f64::from_bits(bits).into()),
            term => self.externalize_term(term)?.into(),
        })
    }

    fn internalize_expression_term(&self, term: ExpressionTerm) -> Result<Node, Infallible> {
        match term {
            ExpressionTerm::IntegerLiteral(number) => Ok(Node::Integer(number.into())),
            ExpressionTerm::DoubleLiteral(number) => Ok(Node::Double(f64::from(number).to_bits())),
            term => self.internalize_term(term.into()),
        }
    }
}
