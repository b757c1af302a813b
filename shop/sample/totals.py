#!/usr/bin/env python3
"""What the whole year must come to in the shop, computed by pandas from the Parquet files alone.

    pip install pandas pyarrow
    python totals.py DATA_FOLDER > ../shop/tests/year/totals.json

The rules are those of README.md, written down a second time: a line becomes an order line if its quantity is 1 to 999,
something was paid for it, its product is known and has a price of a cent or more, and the product is in the basket for
the first time. An order costs what the price list says. `tests/year` compares this with what the shop's read models say.
"""

import json
import pathlib
import sys

import pandas as pd

from make import humanise_department, prices

QUANTITY_MAX = 999
BEST = 200


def main():
    data = pathlib.Path(sys.argv[1])
    year = pd.read_parquet(data / "transactions.parquet")
    products = pd.read_parquet(data / "products.parquet").set_index("product_id")
    year["cents"] = (year["sales_value"] * 100).round().astype("int64")
    year = year.sort_values(["transaction_timestamp", "basket_id", "product_id"], kind="stable")
    year["price"] = year["product_id"].map(prices(year))

    year["reason"] = reasons(year, products)
    orders = year[year["reason"] == ""].copy()
    orders["cents"] = orders["price"].astype("int64") * orders["quantity"]
    placed = year.groupby("basket_id")["transaction_timestamp"].first()
    orders["month"] = orders["basket_id"].map(placed).dt.strftime("%Y-%m")
    orders["department"] = orders["product_id"].map(products["department"]).map(humanise_department)

    out = {
        "lines": {"total": len(year), "ordered": len(orders)},
        "not_ordered": {reason: int(n) for reason, n in year["reason"].value_counts().items() if reason},
        "baskets": {"total": year["basket_id"].nunique(), "ordered": orders["basket_id"].nunique()},
        "by_month": totals(orders, "month"),
        "by_department": totals(orders, "department"),
        "by_household": totals(orders, "household_id"),
        "best_products": best(totals(orders, "product_id")),
    }
    print(json.dumps(out, indent=1, sort_keys=True))


def reasons(year, products):
    """For each line the first reason against it, or nothing."""
    reason = pd.Series("", index=year.index)

    def say(word, applies):
        reason[(reason == "") & applies] = word

    say("quantity-not-positive", year["quantity"] <= 0)
    say("nothing-paid", year["cents"] <= 0)
    say("unknown-product", ~year["product_id"].isin(products.index))
    say("product-without-price", year["price"].isna())
    say("price-below-a-cent", year["price"] == 0)
    say("quantity-too-large", year["quantity"] > QUANTITY_MAX)
    good = year[reason == ""]
    again = good.duplicated(["basket_id", "product_id"])
    say("product-twice", again.reindex(year.index, fill_value=False))
    return reason


def totals(orders, by):
    """Orders (with something of it), units and cents under each heading."""
    groups = orders.groupby(by)
    table = pd.DataFrame(
        {"orders": groups["basket_id"].nunique(), "units": groups["quantity"].sum(), "cents": groups["cents"].sum()}
    )
    return {str(key): [int(row.orders), int(row.units), int(row.cents)] for key, row in table.iterrows()}


def best(products):
    """The products that sold for most, the most first, those that sold for the same in the order of their names."""
    return sorted(([key, *sums] for key, sums in products.items()), key=lambda row: (-row[3], row[0]))[:BEST]


if __name__ == "__main__":
    main()
