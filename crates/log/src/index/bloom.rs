//! A filter over ids: "certainly not in this segment" for one cache line's price (Putze, Sanders, Singler:
//! "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).

const BLOCK_WORDS: usize = 8;
const BITS_AN_ID: usize = 16;
const PROBES: u32 = 7;

/// A blocked Bloom filter over 64-bit hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bloom {
    blocks: Vec<[u64; BLOCK_WORDS]>,
}

impl Bloom {
    pub(crate) fn for_ids(count: usize) -> Self {
        let blocks = (count * BITS_AN_ID).div_ceil(BLOCK_WORDS * 64).max(1);
        Self { blocks: vec![[0; BLOCK_WORDS]; blocks] }
    }

    fn block(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.blocks.len() as u128) >> 64) as usize
    }

    /// The bits of a hash within its block: nine bits each, from a remix that the block's choice did not use.
    fn bits(hash: u64) -> impl Iterator<Item = (usize, u64)> {
        let mixed = hash.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ hash >> 32;
        (0..PROBES).map(move |probe| {
            let bit = (mixed >> (probe * 9)) as usize & 511;
            (bit / 64, 1 << (bit % 64))
        })
    }

    pub(crate) fn insert(&mut self, hash: u64) {
        let block = self.block(hash);
        for (word, bit) in Self::bits(hash) {
            self.blocks[block][word] |= bit;
        }
    }

    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let block = &self.blocks[self.block(hash)];
        Self::bits(hash).all(|(word, bit)| block[word] & bit != 0)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.blocks.iter().flatten().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (blocks, rest) = bytes.as_chunks::<{ BLOCK_WORDS * 8 }>();
        let blocks: Vec<_> =
            blocks.iter().map(|block| std::array::from_fn(|word| crate::format::get_u64(block, word * 8))).collect();
        (rest.is_empty() && !blocks.is_empty()).then_some(Self { blocks })
    }
}
