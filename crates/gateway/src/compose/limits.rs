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
    /// Bytes of the whole answer.
    pub answer_bytes: usize,
    /// How deep a selection may go, and the JSON that it takes whole.
    pub depth: usize,
    /// Fields of a selection, after its fragments are put in.
    pub fields: usize,
    /// Bytes of a selection, a fragment or a template, as its author writes it.
    pub text_bytes: usize,
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
            answer_bytes: 4 << 20,
            depth: 32,
            fields: 1_000,
            text_bytes: 64 << 10,
        }
    }
}
