//! What a composition may cost at most.

/// Limits of one composed answer. What is over one of them when a composition is read is refused; what is over one when
/// it is asked is a failure of the call that went over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompositionLimits {
    /// Calls of one composition.
    pub calls: usize,
    /// Different values in one batched call, and elements that a call is made for.
    pub elements: usize,
    /// Values that are read from one answer for a later call, before those that are there twice are left out.
    pub values: usize,
    /// Bytes of one such value, and of a request's parameter.
    pub value_bytes: usize,
    /// Calls for elements of one list that are under way at once.
    pub parallel: usize,
    /// Bytes of a path and query.
    pub target_bytes: usize,
    /// Bytes of one service's answer.
    pub piece_bytes: usize,
    /// Bytes of all services' answers to one request together. What one call more would bring is a failure of that call.
    pub pieces_bytes: usize,
    /// Bytes of the whole answer.
    pub answer_bytes: usize,
    /// How deep a selection may go, and the JSON that it takes whole.
    pub depth: usize,
    /// Fields of a selection, after its fragments are put in.
    pub fields: usize,
    /// Bytes of a selection, a fragment or a template, as its author writes it.
    pub text_bytes: usize,
}

impl CompositionLimits {
    /// What all services' answers may come to where nothing is said of it: some times what is made of them, since most of
    /// an answer may not be selected.
    #[must_use]
    pub const fn pieces_for(answer_bytes: usize) -> usize {
        answer_bytes.saturating_mul(4)
    }
}

impl Default for CompositionLimits {
    fn default() -> Self {
        Self {
            calls: 16,
            elements: 50,
            values: 1_000,
            value_bytes: 256,
            parallel: 8,
            target_bytes: 8 << 10,
            piece_bytes: 1 << 20,
            pieces_bytes: Self::pieces_for(4 << 20),
            answer_bytes: 4 << 20,
            depth: 32,
            fields: 1_000,
            text_bytes: 64 << 10,
        }
    }
}
