// What stands in for a product's picture, as the data has none: an icon found by the words of its kind, on the hue of
// its department turned a little by its category, so that a shelf does not look like one product.

import { lookOf } from "./departments.js";

const BY_WORD = [
  [/CHEESE/, "cheese", 85], [/EGG/, "egg", 70], [/MILK|CREAM|YOGURT|DAIRY/, "milk", 220],
  [/COFFEE|TEAS?\b|COCOA/, "cup", 50], [/WATER|DRINK|SODA|JUICE|BEER|ALE|BEVERAGE|COLA/, "drink", 205], [/WINE|SPIRIT|LIQUOR/, "glass", 350],
  [/CANDY|CHOC|GUM|COOKIE|SNACK CAKE/, "candy", 340], [/PIZZA/, "pizza", 35], [/ICE CREAM|FRZN|FROZEN|\bICE\b/, "snow", 225],
  [/CAT |DOG|PET|BIRD/, "paw", 45], [/BREAD|ROLLS|BUNS|BAGEL|MUFFIN|CAKE|PIES|DONUT|BISCUIT/, "bread", 65],
  [/APPLE|FRUIT|BERR|GRAPE|MELON|CITRUS|PEAR|PEACH|MANGO|BANANA/, "apple", 25], [/CARROT|ONION|POTATO|TOMATO|VEG|PEPPER|SALAD|SPINACH/, "carrot", 60],
  [/SOAP|DETERGENT|LAUNDRY|CLEAN|SHAMPOO|HAIR|BATH|DISH/, "soap", 250], [/PAPER|TISSUE|TOWEL|BOOK|CARD|MAGAZINE|GREETING/, "paper", 265],
  [/BULB|BATTERIES|LIGHT|CANDLE/, "bulb", 90], [/CEREAL|FLOUR|RICE|PASTA|OAT/, "wheat", 75], [/SOUP|SAUCE|MEAL|DINNER/, "bowl", 40],
  [/VITAMIN|COLD|PAIN|MEDIC|REMED|LAXATIVE|ANTACID|FIRST AID/, "pill", 190], [/BABY|DIAPER|INFANT/, "bottle", 200], [/CHIPS|NUTS|CRACKER|POPCORN|PRETZEL/, "bag", 55],
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
