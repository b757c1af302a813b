// Whether what is in the cart still costs what it says there, and is still sold. A cart may be days old.

import { cart } from "./cart.js";
import { money } from "./format.js";

/**
 * Asks for each product in the cart and keeps in the cart what is new; answers with a sentence for each change.
 * `ask(id)` gives `{price_cents}`. A product that cannot be asked for just now stays as it is.
 */
export async function checkPrices(ask) {
  const lines = cart.lines;
  const answers = await Promise.allSettled(lines.map((line) => ask(line.id)));
  const facts = new Map();
  const changes = [];
  lines.forEach((line, at) => {
    const fact = factOf(answers[at]);
    const change = fact && changeOf(line, fact);
    if (!change) return;
    facts.set(line.id, fact);
    changes.push(change);
  });
  if (facts.size) cart.learn(facts);
  return changes;
}

function factOf({ value, reason }) {
  if (Number.isFinite(value?.price_cents)) return { price_cents: value.price_cents, gone: false };
  return reason?.kind === "missing" ? { gone: true } : null;
}

function changeOf(line, fact) {
  if (fact.gone) return line.gone ? null : `${line.name} is no longer sold.`;
  if (line.gone) return `${line.name} is sold again, at ${money(fact.price_cents)}.`;
  return fact.price_cents === line.price_cents ? null : `${line.name} costs ${money(fact.price_cents)} now, and not ${money(line.price_cents)}.`;
}
