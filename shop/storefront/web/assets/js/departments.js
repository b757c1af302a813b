// How a department looks: its name for people, an icon and a hue for its tiles. One not listed gets a plain look.

import { readable } from "./format.js";

const LOOKS = {
  "grocery": ["Grocery", "jar", 75],
  "drugs & general merchandise": ["Drugstore & home", "bottle", 235],
  "produce": ["Fruit & vegetables", "leaf", 140],
  "cosmetics": ["Cosmetics", "sparkle", 345],
  "nutrition": ["Nutrition", "wheat", 110],
  "meat": ["Meat", "steak", 20],
  "packaged meat": ["Packaged meat", "steak", 30],
  "deli": ["Deli", "sandwich", 55],
  "pastry": ["Bakery", "bread", 65],
  "floral": ["Flowers", "flower", 0],
  "seafood": ["Seafood", "fish", 215],
  "packaged seafood": ["Packaged seafood", "fish", 200],
  "spirits": ["Spirits", "glass", 300],
  "garden center": ["Garden", "leaf", 155],
  "restaurant": ["Hot meals", "bowl", 45],
  "salad bar": ["Salad bar", "bowl", 130],
  "chef shoppe": ["Chef's shop", "bowl", 50],
  "frozen grocery": ["Frozen", "snow", 225],
  "toys": ["Toys", "sparkle", 320],
  "miscellaneous": ["Everything else", "box", 260],
};

export function lookOf(department) {
  const [label, icon, hue] = LOOKS[department?.toLowerCase?.()] ?? [readable(department) || "Other", "box", 190];
  return { label, icon, hue };
}
