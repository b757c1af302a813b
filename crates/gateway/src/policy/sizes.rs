//! How large requests and answers may be. What no route may exceed is a limit of the listener already.

use http::{HeaderMap, StatusCode, header};

use crate::problem::Problem;

/// The largest sizes; none for what the listener puts up with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of a request's body.
    pub body_bytes_max: Option<u64>,
    /// Headers of a request.
    pub headers_max: Option<usize>,
    /// Bytes of a request's headers: names, values, and four for each line.
    pub header_bytes_max: Option<usize>,
    /// Bytes of an answer's headers.
    pub answer_header_bytes_max: Option<usize>,
}

impl Sizes {
    /// Looks at what is known before the body comes; what comes is counted on its way.
    ///
    /// # Errors
    /// 413 for the body that is announced, 431 for the headers.
    pub(crate) fn check_request(&self, headers: &HeaderMap, body_bytes: Option<u64>) -> Result<(), Problem> {
        let too_large = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        // HTTP/2 may carry each cookie in a field of its own (RFC 9113 §8.2.3), which go on as one.
        let count = || headers.len() - headers.get_all(header::COOKIE).iter().count().saturating_sub(1);
        if let Some(max) = self.headers_max.filter(|max| headers.len() > *max && count() > *max) {
            return Err(Problem::too_large(too_large, &format!("the request has more than {max} headers")));
        }
        if let Some(max) = self.header_bytes_max.filter(|max| bytes_of(headers) > *max) {
            return Err(Problem::too_large(too_large, &format!("the request's headers are larger than {max} bytes")));
        }
        match (self.body_bytes_max, body_bytes) {
            (Some(max), Some(bytes)) if bytes > max => Err(body_too_large(max)),
            _ => Ok(()),
        }
    }

    /// Whether an answer's headers are small enough to be passed on.
    pub(crate) fn takes_answer(&self, headers: &HeaderMap) -> bool {
        self.answer_header_bytes_max.is_none_or(|max| bytes_of(headers) <= max)
    }

    pub(super) fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.body_bytes_max.map(|max| format!("bodies of at most {max} bytes")));
        lines.extend(self.headers_max.map(|max| format!("at most {max} headers")));
        lines.extend(self.header_bytes_max.map(|max| format!("headers of at most {max} bytes")));
        lines.extend(self.answer_header_bytes_max.map(|max| format!("an answer's headers of at most {max} bytes")));
        lines
    }
}

/// The answer to a body that is larger than it may be.
pub(crate) fn body_too_large(max: u64) -> Problem {
    Problem::too_large(StatusCode::PAYLOAD_TOO_LARGE, &format!("the request's body is larger than {max} bytes"))
}

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_in_several_fields_are_one_header() {
        let sizes = Sizes { headers_max: Some(2), ..Sizes::default() };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "a".parse().unwrap());
        for number in 0..5 {
            headers.append(header::COOKIE, format!("name{number}=x").parse().unwrap());
        }
        assert!(sizes.check_request(&headers, None).is_ok());
        headers.insert(header::ACCEPT, "*/*".parse().unwrap());
        assert!(sizes.check_request(&headers, None).is_err());
    }
}
