import assert from "node:assert/strict";
import { test } from "node:test";

import "./browser.js";
import { whenThere } from "../web/assets/js/patience.js";
import { Problem } from "../web/assets/js/problem.js";

function comes({ after, kind = "missing" }) {
  let asked = 0;
  return async () => {
    asked += 1;
    if (asked <= after) throw new Problem(kind);
    return asked;
  };
}

test("what is not there yet is asked for again, and then it is there", async () => {
  assert.equal(await whenThere(comes({ after: 2 }), { tries: 3, pauseMs: 1 }), 3);
});

test("what never comes is missing, and another problem is told at once", async () => {
  await assert.rejects(whenThere(comes({ after: 9 }), { tries: 3, pauseMs: 1 }), { kind: "missing" });
  let asked = 0;
  await assert.rejects(whenThere(async () => { asked += 1; throw new Problem("away"); }, { tries: 3, pauseMs: 1 }), { kind: "away" });
  assert.equal(asked, 1);
});

test("nobody waits for it who has left", async () => {
  const left = new AbortController();
  const waiting = whenThere(comes({ after: 9 }), { tries: 9, pauseMs: 60_000, signal: left.signal });
  left.abort(new Error("left"));
  await assert.rejects(waiting, { message: "left" });
});
