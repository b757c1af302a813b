// What stands in for a product's picture, as the data has none: an icon found by the words of its kind, on the hue of
// its department turned a little by its category, so that a shelf does not look like one product.

import { lookOf } from "./departments.js";

const BY_WORD = [
  [/PIZZA/, "pizza", 35], [/ICE CREAM|SHERBET|NOVELT|\bICE\b/, "snow", 225], [/CHEESE/, "cheese", 85], [/\bEGGS?\b/, "egg", 70],
  [/CAT |DOG|PET |BIRD/, "paw", 45], [/COOKIE|CANDY|CHOC|\bGUM\b|SWEET GOODS|DESSERT/, "candy", 340],
  [/BREAD|ROLLS|BUNS|BAGEL|MUFFIN|CAKE|PIES?\b|DONUT|BISCUIT|DOUGH|BAKING/, "bread", 65],
  [/SOAP|DETERGENT|LAUNDRY|CLEAN|SHAMPOO|HAIR|BATH |BLEACH|AIR CARE|DEODOR|SHAV|LOTION|SKIN/, "soap", 250],
  [/PAPER|TISS|TOWEL|BOOK|CARD|MAGAZINE|GREETING|WRAPS/, "paper", 265],
  [/VITAMIN|COLD AND|PAIN|MEDIC|REMED|LAXATIVE|ANTACID|FIRST AID|ANALGESIC|ALLERG/, "pill", 190], [/BABY|DIAPER|INFANT/, "bottle", 200],
  [/MILK|CREAM|YOGURT|DAIRY|MARGARINE|BUTTER\b/, "milk", 220], [/COFFEE|TEAS?\b|COCOA/, "cup", 50],
  [/WINE|SPIRIT|LIQUOR/, "glass", 350], [/WATER|DRINK|SODA|JUICE|BEER|ALES?\b|BEVERAGE|COLA/, "drink", 205],
  [/APPLE|FRUIT|BERR|GRAPE|MELON|CITRUS|PEAR|PEACH|MANGO|BANANA|JAM/, "apple", 25],
  [/CARROT|ONION|POTATO|TOMATO|VEG|PEPPER|SALAD|SPINACH|MUSHROOM|BEANS|PICKLE/, "carrot", 60],
  [/CEREAL|FLOUR|RICE|PASTA|OAT|NOODLE/, "wheat", 75], [/SOUP|SAUCE|MEAL|DINNER|HISPANIC|BREAKFAST/, "bowl", 40],
  [/CHIPS|NUTS|CRACKER|POPCORN|PRETZEL|SNACK/, "bag", 55], [/BULB|BATTERIES|LIGHT|CANDLE/, "bulb", 90], [/FROZEN|FRZN/, "snow", 225],
];

export function pictureOf({ department, category, type }) {
  const look = lookOf(department);
  const words = `${category ?? ""} ${type ?? ""}`.toUpperCase();
  const found = BY_WORD.find(([pattern]) => pattern.test(words));
  // Meat and fish departments have their own icons, better than any word.
  const fixed = ["steak", "fish", "flower"].includes(look.icon);
  const hue = found && !fixed ? found[2] : look.hue;
  return { icon: found && !fixed ? found[1] : look.icon, hue: (hue + turn(category ?? "") + 360) % 360 };
}

// From -12 to 12 degrees, the same for the same word.
function turn(word) {
  let sum = 0;
  for (const letter of word) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  return (sum % 25) - 12;
}
