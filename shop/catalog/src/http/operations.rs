//! The API, described.

use serde_json::{Value, json};
use tradewind_service::Operation;

use crate::projections::Facet;
use crate::review::Review;

/// Every operation of the API, for its OpenAPI document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::query("/api/catalog/products", "findProducts")
            .summary("The products on sale that match, the best matches first")
            .parameter("q", "Words, all of which must match; the last may be unfinished", text())
            .parameter("department", "The department that sells it", text())
            .parameter("category", "The wider kind of product", text())
            .parameter("brand", "National or Private", text())
            .parameter("size", "The size of its package, as printed", text())
            .parameter("price_min_cents", "The least that it costs", cents())
            .parameter("price_max_cents", "The most that it costs", cents())
            .parameter("rating_min", "How many stars it is given on average, at least", stars())
            .parameter("sort", "What comes first; by relevance unless told", words(&SORTS))
            .parameter("facets", "Whether to count what the filters could be", json!({"type": "boolean"}))
            .parameter("after", "What an earlier page gave as next", text())
            .limit("How many at most", super::LIMIT_MAX)
            .returns(200, "The products", product_page()),
        Operation::query("/api/catalog/products/{id}", "getProduct")
            .summary("One product on sale")
            .returns(200, "The product", rated_product())
            .problem(404, "There is no such product on sale"),
        Operation::query("/api/catalog/products/{id}/prices", "listPrices")
            .summary("What a product has cost, the newest price first")
            .parameter("after", "What an earlier page gave as next", text())
            .limit("How many at most", super::LIMIT_MAX)
            .returns(200, "The prices", page_of(&price()))
            .problem(404, "There has never been such a product"),
        Operation::query("/api/catalog/products/{id}/rating", "getRating")
            .summary("How many stars a product's reviews give")
            .returns(200, "The rating", rating()),
        Operation::query("/api/catalog/products/{id}/reviews", "listReviews")
            .summary("What customers say of a product")
            .parameter("customer", "Only the review by this customer", text())
            .parameter("sort", "What comes first; the newest unless told", words(&["newest", "most-helpful"]))
            .parameter("after", "What an earlier page gave as next", text())
            .limit("How many at most", super::LIMIT_MAX)
            .returns(200, "The reviews", page_of(&review())),
        Operation::command("/api/catalog/products/{id}/reviews", "writeReview")
            .summary("Say what a product is like that was delivered to one; each customer once")
            .body(new_review())
            .acknowledges(201, "It is written"),
        Operation::put("/api/catalog/products/{id}/reviews/{review}", "reviseReview")
            .summary("Say something else in a review that one has written")
            .body(revised_review())
            .acknowledges(204, "It says so now")
            .problem(404, "There is no such review of this product"),
        Operation::command("/api/catalog/products/{id}/reviews/{review}/helpful", "findReviewHelpful")
            .summary("Say that another customer's review has helped; saying it again changes nothing")
            .body(json!({"type": "object", "required": ["customer_id"], "properties": {"customer_id": text()}}))
            .acknowledges(204, "It is counted")
            .problem(404, "There is no such review of this product"),
        Operation::query("/api/catalog/customers/{customer}/delivered/{id}", "getDelivered")
            .summary("Whether a customer has received a product. Its positions are those of ordering's feed")
            .returns(200, "With which order, and when, the first time", delivered())
            .problem(404, "They have not, as far as is known here"),
        Operation::query("/api/catalog/departments", "listDepartments")
            .summary("The departments of the shop, the largest first")
            .returns(
                200,
                "The departments",
                json!({"type": "object", "properties": {"items": {"type": "array",
                "items": {"type": "object", "properties": {"name": text(), "products": {"type": "integer"}}}}}}),
            ),
        Operation::command("/api/catalog/products", "listProduct")
            .summary("Put a product on sale")
            .body(product())
            .acknowledges(201, "It is on sale"),
        Operation::command("/api/catalog/products/{id}/price", "changePrice")
            .summary("Sell a product at another price from now on")
            .body(json!({"type": "object", "required": ["price_cents"], "properties": {"price_cents": cents()}}))
            .acknowledges(204, "It costs so much now"),
        Operation::delete("/api/catalog/products/{id}", "delistProduct")
            .summary("Take a product off sale")
            .acknowledges(204, "It is on sale no more"),
    ]
}

const SORTS: [&str; 5] = ["relevance", "price-asc", "price-desc", "rating", "name"];

fn text() -> Value {
    json!({"type": "string"})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn words(words: &[&str]) -> Value {
    json!({"enum": words})
}

fn stars() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": Review::STARS_MAX})
}

fn mean() -> Value {
    json!({"type": ["number", "null"], "description": "Stars on average; null without reviews"})
}

fn cents() -> Value {
    json!({"type": "integer", "minimum": 1, "description": "US cents"})
}

fn product() -> Value {
    let mut properties = json!({"price_cents": cents()});
    for text in ["id", "name", "department", "brand", "category", "type", "size"] {
        properties[text] = json!({"type": "string"});
    }
    json!({"type": "object", "required": ["id", "name", "department", "price_cents"], "properties": properties})
}

fn rated_product() -> Value {
    let mut product = product();
    product["properties"]["rating"] = mean();
    product["properties"]["reviews"] = count();
    product
}

fn page_of(item: &Value) -> Value {
    json!({"type": "object", "properties": {
        "items": {"type": "array", "items": item},
        "next": {"type": ["string", "null"]}}})
}

fn product_page() -> Value {
    let mut page = page_of(&rated_product());
    page["properties"]["total"] = count();
    page["properties"]["facets"] = facets();
    page
}

/// Each facet respects all filters but its own.
fn facets() -> Value {
    let value = json!({"type": "object", "properties": {"value": text(), "count": count()}});
    let facet = json!({"type": "object", "properties": {
        "values": {"type": "array", "items": value, "maxItems": Facet::VALUES_MAX}, "others": count()}});
    let price = json!({"type": "object", "properties": {
        "min_cents": count(), "max_cents": {"type": ["integer", "null"]}, "count": count()}});
    let rating = json!({"type": "object", "properties": {"min": stars(), "count": count()}});
    json!({"type": "object", "properties": {
        "department": facet, "category": facet, "brand": facet, "size": facet,
        "price": {"type": "array", "items": price}, "rating": {"type": "array", "items": rating}}})
}

fn price() -> Value {
    json!({"type": "object", "properties": {
        "price_cents": cents(), "from": moment(), "until": {"type": ["string", "null"], "format": "date-time"}}})
}

fn rating() -> Value {
    let of = json!({"type": "object", "properties": {"stars": stars(), "count": count()}});
    json!({"type": "object", "properties": {
        "average": mean(), "count": count(), "distribution": {"type": "array", "items": of}}})
}

fn review() -> Value {
    json!({"type": "object", "properties": {
        "id": text(), "customer_id": text(), "stars": stars(), "title": text(), "text": text(),
        "written_at": moment(), "revised_at": {"type": ["string", "null"], "format": "date-time"},
        "helpful": count()}})
}

fn revised_review() -> Value {
    let text = |most: usize| json!({"type": "string", "maxLength": most});
    json!({"type": "object", "required": ["customer_id", "stars"], "properties": {
        "customer_id": {"type": "string"}, "stars": stars(),
        "title": text(Review::TITLE_CHARS_MAX), "text": text(Review::TEXT_CHARS_MAX)}})
}

fn new_review() -> Value {
    let mut review = revised_review();
    review["required"] = json!(["review_id", "customer_id", "stars"]);
    review["properties"]["review_id"] = json!({"type": "string", "format": "uuid"});
    review
}

fn delivered() -> Value {
    json!({"type": "object", "properties": {"order_id": text(), "delivered_at": moment()}})
}
