"use strict";

const cards = [...document.querySelectorAll("[data-camera]")];
const summary = document.getElementById("summary");
const damage = new Map();

function write(card, words) {
  for (const [field, text] of Object.entries(words)) {
    const place = card.querySelector(`[data-field="${field}"]`);
    // Untouched text keeps a reader's selection, and a screen reader quiet.
    if (place.textContent !== text) place.textContent = text;
  }
}

function show(card, camera) {
  card.dataset.level = camera.state;
  write(card, camera.words);
  const before = damage.get(card) ?? { count: camera.damage, at: -Infinity };
  const at = camera.damage > before.count ? Date.now() : before.at;
  damage.set(card, { count: camera.damage, at });
  card.toggleAttribute("data-damaged", Date.now() - at < 10000);
}

function sum(cameras) {
  const live = cameras.filter((camera) => camera.state === "live").length;
  const all = cameras.length;
  if (live === all) return all === 1 ? "The camera is live" : `All ${all} cameras are live`;
  return `${live} of ${all} camera${all === 1 ? "" : "s"} live`;
}

function tell(words, level) {
  if (summary.textContent !== words) summary.textContent = words;
  summary.dataset.level = level;
}

function lost() {
  tell("The relay does not answer", "bad");
  for (const card of cards) {
    card.dataset.level = "gone";
    write(card, { state: "Not known", picture: "This picture is old", reason: "", facts: "" });
  }
}

async function look() {
  try {
    const answer = await fetch("/cameras.json", { signal: AbortSignal.timeout(5000) });
    // 401: the token is asked for again.
    if (answer.status === 401) return location.reload();
    const { cameras } = await answer.json();
    const names = Object.keys(cameras).sort();
    const isSame = names.join("/") === cards.map((card) => card.dataset.camera).sort().join("/");
    if (!isSame) return location.reload();
    for (const card of cards) show(card, cameras[card.dataset.camera]);
    tell(sum(Object.values(cameras)), "good");
  } catch (error) {
    lost();
  }
  setTimeout(look, 1000);
}

// One request after the other for each camera: a browser opens six connections to a host, and
// six streams that never end would leave none for the states.
async function follow(card) {
  const address = card.querySelector("img").getAttribute("src");
  for (;;) {
    let wait = 150;
    const newer = card.querySelector("img").cloneNode();
    const came = await new Promise((tell) => {
      newer.onload = () => tell(true);
      newer.onerror = () => tell(false);
      newer.src = `${address}?${Date.now()}`;
    });
    if (came) card.querySelector("img").replaceWith(newer);
    else wait = 1000;
    do {
      await new Promise((go) => setTimeout(go, wait));
    } while (document.hidden);
  }
}

for (const card of cards) follow(card);
look();
