//! Other ways to say which products are similar, to be measured beside the graph's.

/// How often products are bought, and with what.
pub(super) struct Counts {
    /// By basket.
    baskets: Vec<Vec<u32>>,
    /// By product, in the order of time.
    baskets_of: Vec<Vec<u32>>,
    department_of: Vec<u32>,
    /// All products, the best sellers first.
    best: Vec<u32>,
}

/// What is known of a product that may be recommended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// How many baskets have both.
    together: f64,
    /// The same, where a basket counts less the more is in it.
    weighted: f64,
    /// How many baskets have the one that is shown.
    shown: f64,
    /// How many have the other.
    other: f64,
    /// How many there are.
    all: f64,
    same_department: bool,
}

/// Scores a pair.
type Scoring = fn(Pair) -> f64;

/// Popularity as so many baskets, in which every product is as often as in all.
fn prior(pair: Pair, baskets: f64) -> f64 {
    baskets * pair.other / pair.all
}

impl Counts {
    /// Every ranking with its name.
    pub(super) const RANKINGS: &[(&str, Scoring)] = &[
        ("popularity", |pair| pair.other),
        ("popularity in the department", |pair| if pair.same_department { pair.other } else { 0.0 }),
        ("together", |pair| pair.together),
        ("together, weighted", |pair| pair.weighted),
        ("together, weighted, popularity", |pair| pair.weighted + prior(pair, 20.0)),
        ("cosine", |pair| pair.together / (pair.shown * pair.other).sqrt()),
        ("cosine, shrunk by 20", |pair| {
            pair.together / (pair.shown * pair.other).sqrt() * pair.together / (pair.together + 20.0)
        }),
        ("Jaccard, shrunk by 100", |pair| pair.together / (pair.shown + pair.other - pair.together + 100.0)),
        ("lift, shrunk by 200", |pair| pair.together * pair.all / (pair.shown * (pair.other + 200.0))),
        ("more than by chance", |pair| pair.together - pair.shown * pair.other / pair.all),
    ];

    pub(super) fn of<'a>(baskets: impl Iterator<Item = &'a [u32]>, department_of: &[u32]) -> Self {
        let baskets: Vec<Vec<u32>> = baskets.map(<[u32]>::to_vec).collect();
        let mut baskets_of = vec![Vec::new(); department_of.len()];
        for (number, products) in (0..).zip(&baskets) {
            products.iter().for_each(|product| baskets_of[*product as usize].push(number));
        }
        let mut best: Vec<u32> = (0..department_of.len() as u32).collect();
        best.sort_by_key(|product| std::cmp::Reverse(baskets_of[*product as usize].len()));
        Self { baskets, baskets_of, department_of: department_of.to_vec(), best }
    }

    /// What each ranking recommends beside a product.
    pub(super) fn rankings(&self, shown: u32, many: usize) -> Vec<Vec<u32>> {
        let mut together = vec![(0.0, 0.0); self.department_of.len()];
        for basket in &self.baskets_of[shown as usize] {
            let products = &self.baskets[*basket as usize];
            let weight = (products.len().max(2) as f64 - 1.0).powf(-0.25);
            for product in products {
                let (count, sum) = &mut together[*product as usize];
                *count += 1.0;
                *sum += weight;
            }
        }
        let department = self.department_of[shown as usize];
        let in_department = self.best.iter().filter(|product| self.department_of[**product as usize] == department);
        // Nothing else can be among the first: who is not bought with it is ranked by how well it sells.
        let mut candidates: Vec<u32> = (0..).zip(&together).filter(|(_, it)| it.0 > 0.0).map(|(it, _)| it).collect();
        candidates.extend(self.best.iter().take(many + 1).chain(in_department.take(many + 1)));
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|product| *product != shown);
        let pair = |product: u32| Pair {
            together: together[product as usize].0,
            weighted: together[product as usize].1,
            shown: self.baskets_of[shown as usize].len().max(1) as f64,
            other: self.baskets_of[product as usize].len().max(1) as f64,
            all: self.baskets.len() as f64,
            same_department: self.department_of[product as usize] == department,
        };
        let ranked = |scoring: &Scoring| {
            let mut scored: Vec<(f64, u32)> = candidates.iter().map(|it| (scoring(pair(*it)), *it)).collect();
            // Of two with the same score, the one that sells better.
            let sells = |product: u32| self.baskets_of[product as usize].len();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| sells(b.1).cmp(&sells(a.1))));
            scored.into_iter().take(many).map(|(_, product)| product).collect()
        };
        Self::RANKINGS.iter().map(|(_, scoring)| ranked(scoring)).collect()
    }
}
