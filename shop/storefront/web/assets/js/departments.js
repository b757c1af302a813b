// How a department looks: its name for people, an icon and a hue for its tiles. One not listed gets a plain look.

import { readable } from "./format.js";

const LOOKS = {
  "GROCERY": ["Grocery", "jar", 75],
  "DRUG GM": ["Drugstore & home", "bottle", 235],
  "PRODUCE": ["Fruit & vegetables", "leaf", 140],
  "COSMETICS": ["Cosmetics", "sparkle", 345],
  "NUTRITION": ["Nutrition", "wheat", 110],
  "MEAT": ["Meat", "steak", 20],
  "MEAT-PCKGD": ["Packaged meat", "steak", 30],
  "DELI": ["Deli", "sandwich", 55],
  "PASTRY": ["Bakery", "bread", 65],
  "FLORAL": ["Flowers", "flower", 0],
  "SEAFOOD": ["Seafood", "fish", 215],
  "SEAFOOD-PCKGD": ["Packaged seafood", "fish", 200],
  "SPIRITS": ["Spirits", "glass", 300],
  "GARDEN CENTER": ["Garden", "leaf", 155],
  "RESTAURANT": ["Hot meals", "bowl", 45],
  "SALAD BAR": ["Salad bar", "bowl", 130],
  "CHEF SHOPPE": ["Chef's shop", "bowl", 50],
  "FROZEN GROCERY": ["Frozen", "snow", 225],
  "TOYS": ["Toys", "sparkle", 320],
  "MISCELLANEOUS": ["Everything else", "box", 260],
};

export function lookOf(department) {
  const [label, icon, hue] = LOOKS[department?.toUpperCase?.()] ?? [readable(department) || "Other", "box", 190];
  return { label, icon, hue };
}
