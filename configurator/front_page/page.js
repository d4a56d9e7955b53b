"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { objectives, plans, today } = data;
  for (const plan of plans) plan.changes = plan.changes.replaceAll("->", "\u2192");
  const state = { view: objectives.length > 1 ? "pairs" : "none", selected: null, others: false, sort: null, descending: false };
  const config = { showSendToCloud: false, displaylogo: false, responsive: true,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
  const TODAY = "#c2410c";
  const SCALE = [[0, "#d8a106"], [0.35, "#4f9d69"], [0.7, "#23708f"], [1, "#27306e"]];

  // ---- words and numbers
  const element = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  };
  // a share is shown in percent; every other unit is named in the headings
  const factor = objectives.map((objective) => (objective.unit === "share" ? 100 : 1));
  const suffix = objectives.map((objective) => (objective.unit === "share" ? "\u202f%" : ""));
  const named = (k) => objectives[k].label + (objectives[k].unit && objectives[k].unit !== "share" ? `, ${objectives[k].unit}` : "");
  const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const decimals = objectives.map((_, k) => {
    const values = plans.map((plan) => plan.values[k][0]).concat(today ? [today.values[k][0]] : []);
    const span = (Math.max(...values) - Math.min(...values)) * factor[k];
    const scale = span > 0 ? span : Math.abs(values[0]) * factor[k] || 1;
    return Math.min(6, Math.max(factor[k] === 100 ? 1 : 0, 1 - Math.floor(Math.log10(scale))));
  });
  const minus = (text) => text.replace("-", "\u2212");
  const shown = (value, k) => minus((factor[k] * value).toLocaleString("en", { minimumFractionDigits: decimals[k], maximumFractionDigits: decimals[k] })) + suffix[k];
  const signed = (value, k) => (value > 0 ? "+" : "") + shown(value, k);
  const plain = (value) => minus(value.toLocaleString("en", { maximumFractionDigits: 3 }));
  const percent = (value) => `${Number((100 * value).toFixed(value < 0.1 ? 1 : 0))}\u00a0%`;
  const gain = (values, k) => (values[k][0] - today.values[k][0]) * (objectives[k].direction === "maximise" ? 1 : -1);
  const wrapped = (text, width = 64) => {
    const lines = [""];
    for (const word of String(text).split(" ")) {
      const last = lines[lines.length - 1];
      if (last && last.length + word.length + 1 > width) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines.map(escaped).join("<br>");
  };
  const interval = (values, k) => `${shown(values[k][1], k)} to ${shown(values[k][2], k)}`;
  const byChance = (values, k) => (values[k][3] === null ? "" : `; by chance alone ${shown(values[k][3], k)} to ${shown(values[k][4], k)}`);
  const hasChance = plans.some((plan) => plan.values.some((value) => value[3] !== null));
  const hover = (name, plan) => {
    const lines = [`<b>${escaped(name)}</b>`];
    objectives.forEach((objective, k) => lines.push(`${escaped(objective.label)}: <b>${shown(plan.values[k][0], k)}</b> (${interval(plan.values, k)}${byChance(plan.values, k)})`));
    if (plan.probability !== null) lines.push(`probability of being non-dominated: ${percent(plan.probability)}`);
    plan.kept.forEach(([p, low, high], k) => lines.push(`${escaped(data.targets[k])}: kept with ${percent(p)} (${percent(low)} to ${percent(high)})`));
    if (plan.changes) lines.push("", "<b>Against today:</b>", wrapped(plan.changes));
    return lines.join("<br>");
  };
  const axisTitle = (k) => `${escaped(named(k))}  <span style="color:#5b6876">(${objectives[k].direction === "maximise" ? "more" : "less"} is better)</span>`;

  // ---- colour: a plan keeps its colour in every chart and in the table
  const colourOf = (() => {
    const first = plans.map((plan) => plan.values[0][0]);
    const low = Math.min(...first), high = Math.max(...first);
    const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    return (plan) => {
      const at = high > low ? (plan.values[0][0] - low) / (high - low) : 0.5;
      const i = Math.max(1, SCALE.findIndex(([stop]) => at <= stop));
      const [[a, from], [b, to]] = [SCALE[i - 1], SCALE[i]];
      const mix = parts(from).map((part, j) => Math.round(part + (parts(to)[j] - part) * (at - a) / (b - a)));
      return `rgb(${mix.join(",")})`;
    };
  })();

  // ---- charts
  const bars = (items, k, colour) => ({
    type: "data", symmetric: false, thickness: 1.2, width: 0, color: colour,
    array: items.map((item) => Math.max(0, item.values[k][2] - item.values[k][0])),
    arrayminus: items.map((item) => Math.max(0, item.values[k][0] - item.values[k][1])),
  });
  const means = (items, k) => items.map((item) => item.values[k][0]);
  const modebar = { bgcolor: "rgba(0,0,0,0)", color: "#b8c2cd", activecolor: "#1f5fa8" };
  const hoverlabel = { bgcolor: "#ffffff", bordercolor: "#9aa7b5", font: { color: "#1c2733", size: 12.5 }, align: "left" };
  const planSizes = () => plans.map((plan) => (plan.id === state.selected ? 17 : 11));
  const planLines = () => ({ color: plans.map((plan) => (plan.id === state.selected ? "#111" : "#fff")), width: plans.map((plan) => (plan.id === state.selected ? 2.5 : 1)) });

  const pairTraces = (x, y) => {
    const traces = [];
    if (state.others && data.others.length) {
      traces.push({ type: "scatter", mode: "markers", x: data.others.map((v) => v[x]), y: data.others.map((v) => v[y]),
        marker: { color: "#c3ccd6", size: 5 }, hoverinfo: "skip", name: "other plans tried" });
    }
    traces.push({ type: "scatter", mode: "markers", name: "plans of the front", x: means(plans, x), y: means(plans, y),
      error_x: bars(plans, x, "#9fb0c1"), error_y: bars(plans, y, "#9fb0c1"),
      customdata: plans.map((plan) => plan.id), text: plans.map((plan) => hover(`Plan ${plan.id}`, plan)), hovertemplate: "%{text}<extra></extra>",
      marker: { color: plans.map(colourOf), size: planSizes(), line: planLines(), opacity: 1 } });
    if (today) {
      traces.push({ type: "scatter", mode: "markers+text", name: "today", x: means([today], x), y: means([today], y),
        error_x: bars([today], x, TODAY), error_y: bars([today], y, TODAY),
        text: ["today"], textposition: "bottom center", textfont: { color: TODAY, size: 13 },
        hovertext: [hover("Today's offer", today)], hovertemplate: "%{hovertext}<extra></extra>",
        marker: { color: TODAY, size: 14, symbol: "diamond", line: { color: "#fff", width: 1.5 } } });
    }
    return traces;
  };
  const range = (k) => {
    const items = today ? plans.concat([today]) : plans;
    let low = Math.min(...items.map((item) => item.values[k][1])), high = Math.max(...items.map((item) => item.values[k][2]));
    if (state.others) for (const values of data.others) { low = Math.min(low, values[k]); high = Math.max(high, values[k]); }
    const margin = (high - low || Math.abs(high) || 1) * 0.07;
    return [low - margin, high + margin];
  };
  const pairLayout = (x, y) => {
    const [xs, ys] = [range(x), range(y)];
    const axis = (k, limits) => ({ tickformat: factor[k] === 100 ? ".1~%" : ",~r", title: { text: axisTitle(k), font: { size: 13 }, standoff: 8 }, range: limits, zeroline: false,
      gridcolor: "#eceff3", linecolor: "#b8c2cd", ticks: "outside", tickcolor: "#b8c2cd", automargin: true });
    const shapes = [];
    if (today) {
      const [tx, ty] = [today.values[x][0], today.values[y][0]];
      const edge = (k, limits) => (objectives[k].direction === "maximise" ? limits[1] : limits[0]);
      shapes.push({ type: "rect", layer: "below", x0: tx, x1: edge(x, xs), y0: ty, y1: edge(y, ys), fillcolor: "rgba(26,127,75,0.07)", line: { width: 0 } });
      const dash = { color: TODAY, width: 1, dash: "dot" };
      shapes.push({ type: "line", layer: "below", x0: tx, x1: tx, yref: "paper", y0: 0, y1: 1, line: dash });
      shapes.push({ type: "line", layer: "below", y0: ty, y1: ty, xref: "paper", x0: 0, x1: 1, line: dash });
    }
    return { xaxis: axis(x, xs), yaxis: axis(y, ys), shapes, showlegend: false, modebar, hovermode: "closest", hoverlabel,
      margin: { l: 60, r: 14, t: 26, b: 52 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "#fcfdfe",
      font: { family: "system-ui, 'Segoe UI', Roboto, Arial, sans-serif", color: "#1c2733", size: 12 } };
  };
  const spaceTraces = () => {
    const traces = [];
    const [x, y, z] = [0, 1, 2];
    if (state.others && data.others.length) {
      traces.push({ type: "scatter3d", mode: "markers", x: data.others.map((v) => v[x]), y: data.others.map((v) => v[y]), z: data.others.map((v) => v[z]),
        marker: { color: "#c3ccd6", size: 2.5 }, hoverinfo: "skip" });
    }
    traces.push({ type: "scatter3d", mode: "markers", x: means(plans, x), y: means(plans, y), z: means(plans, z),
      error_x: bars(plans, x, "#9fb0c1"), error_y: bars(plans, y, "#9fb0c1"), error_z: bars(plans, z, "#9fb0c1"),
      customdata: plans.map((plan) => plan.id), text: plans.map((plan) => hover(`Plan ${plan.id}`, plan)), hovertemplate: "%{text}<extra></extra>",
      marker: { color: plans.map(colourOf), size: 7, opacity: 1, line: { color: "#fff", width: 0.5 } } });
    const chosen = plans.filter((plan) => plan.id === state.selected);
    if (chosen.length) {
      traces.push({ type: "scatter3d", mode: "markers", x: means(chosen, x), y: means(chosen, y), z: means(chosen, z), hoverinfo: "skip",
        marker: { color: "rgba(0,0,0,0)", size: 14, symbol: "circle-open", line: { color: "#111", width: 3 } } });
    }
    if (today) {
      traces.push({ type: "scatter3d", mode: "markers+text", x: means([today], x), y: means([today], y), z: means([today], z),
        text: ["today"], textfont: { color: TODAY }, hovertext: [hover("Today's offer", today)], hovertemplate: "%{hovertext}<extra></extra>",
        marker: { color: TODAY, size: 8, symbol: "diamond" } });
    }
    return traces;
  };
  const spaceLayout = () => {
    const axis = (k) => ({ tickformat: factor[k] === 100 ? ".1~%" : ",~r", title: { text: escaped(named(k)) }, backgroundcolor: "#fcfdfe", gridcolor: "#dde3ea" });
    return { scene: { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), camera: { eye: { x: 1.4, y: -1.55, z: 0.8 }, center: { x: 0, y: 0, z: -0.12 } } }, showlegend: false, modebar, hoverlabel,
      margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)" };
  };
  const pairs = objectives.flatMap((_, x) => objectives.slice(x + 1).map((_, j) => [x, x + 1 + j]));
  const drawn = () => {
    if (state.view === "pairs") return pairs.map(([x, y]) => [pairTraces(x, y), pairLayout(x, y)]);
    if (state.view === "space") return [[spaceTraces(), spaceLayout()]];
    if (state.view === "none") return [];
    const [x, y] = pairs[Number(state.view)];
    return [[pairTraces(x, y), pairLayout(x, y)]];
  };
  // Plotly draws in its own time: a chart is never replaced or changed before it is finished
  let drawing = Promise.resolve();
  const whenDrawn = (task) => { drawing = drawing.then(task); };
  const drawCharts = () => whenDrawn(() => {
    const holder = document.getElementById("charts");
    const charts = drawn();
    for (const old of holder.children) Plotly.purge(old);
    holder.replaceChildren(...charts.map(() => element("div", { class: "chart" })));
    holder.className = charts.length > 1 ? "many" : "one";
    return Promise.all(charts.map(([traces, layout], i) => Plotly.newPlot(holder.children[i], traces, layout, config).then((node) => {
      node.on("plotly_click", (event) => {
        const id = event.points[0] && event.points[0].customdata;
        if (id) select(id);
      });
    })));
  });
  const markSelected = () => {
    if (state.view === "space") { drawCharts(); return; }
    whenDrawn(() => {
      const trace = state.others && data.others.length ? 1 : 0;
      const nodes = [...document.getElementById("charts").children];
      return Promise.all(nodes.map((node) => Plotly.restyle(node, { "marker.size": [planSizes()], "marker.line": [planLines()] }, [trace])));
    });
  };

  // ---- what stands around the charts
  const drawCards = () => {
    const cards = [[String(plans.length), plans.length === 1 ? "plan on the front" : "plans on the front: none is better than another on everything"]];
    if (today) {
      const better = plans.filter((plan) => plan.dominates_today).length;
      cards.push([`${better} of ${plans.length}`, better ? `are better than today's offer on ${objectives.length === 2 ? "both" : `all ${objectives.length}`} objectives` : "are better than today on every objective: gains on one cost another"]);
      objectives.forEach((objective, k) => {
        const best = plans.reduce((a, b) => (gain(b.values, k) > gain(a.values, k) ? b : a), plans[0]);
        if (best) cards.push([signed(best.values[k][0] - today.values[k][0], k), `${objective.label}: the furthest any plan goes (plan ${best.id}), from ${shown(today.values[k][0], k)} today`]);
      });
    }
    if (data.confirmed_hypervolume !== null) {
      const [mean, low, high] = data.confirmed_hypervolume;
      cards.push([percent(mean), `of the room between the objectives' bounds is reached by these plans on fresh simulations: hypervolume, ${percent(low)} to ${percent(high)}`]);
    }
    if (data.random_hypervolume !== null) {
      cards.push([percent(data.hypervolume), `is what the search found on its own simulations; ${data.random_plans} random feasible plans reach ${percent(data.random_hypervolume)} there`]);
    }
    document.getElementById("cards").replaceChildren(...cards.map(([figure, words]) => element("div", { class: "card" }, element("b", {}, figure), element("span", {}, words))));
  };
  const drawViews = () => {
    const views = [];
    if (pairs.length > 1) views.push(["pairs", "All pairs"]);
    pairs.forEach(([x, y], i) => views.push([String(i), `${objectives[x].label} and ${objectives[y].label}`]));
    if (objectives.length === 3) views.push(["space", "3-D"]);
    document.getElementById("views").replaceChildren(...views.map(([view, words]) =>
      element("button", { type: "button", "aria-pressed": String(view === state.view), onclick: () => { state.view = view; drawViews(); drawCharts(); } }, words)));
  };
  const drawLegend = () => {
    const gradient = `linear-gradient(90deg, ${SCALE.map(([stop, colour]) => `${colour} ${100 * stop}%`).join(", ")})`;
    const swatch = (style) => element("span", { class: "swatch", style });
    const parts = [swatch(`width:46px;border-radius:6px;background:${gradient}`), `plans, coloured by ${objectives[0].label}, lowest to highest`];
    if (today) parts.push(swatch(`background:${TODAY};transform:rotate(45deg) scale(.8)`), "today's offer", swatch("background:rgba(26,127,75,.18)"), "better than today on both");
    parts.push(swatch("height:2px;width:16px;background:#9fb0c1;vertical-align:4px"), "95 % interval");
    document.getElementById("legend").replaceChildren(...parts);
  };
  const numberCell = (values, k, compare) => {
    const cell = element("td", { class: "number" }, shown(values[k][0], k));
    if (compare) {
      const g = gain(values, k);
      cell.append(" ", element("span", { class: g > 0 ? "better" : g < 0 ? "worse" : "" }, `(${signed(values[k][0] - today.values[k][0], k)})`));
    }
    cell.append(element("small", {}, interval(values, k)));
    return cell;
  };
  const planRow = (plan) => {
    const chance = plan.probability === null ? element("td", {}, "") : element("td", { class: "number" },
      element("span", { class: "meter" }, element("i", { style: `width:${100 * plan.probability}%` })), percent(plan.probability));
    return element("tr", { class: `plan${plan.id === state.selected ? " selected" : ""}`, tabindex: "0", "data-id": plan.id,
      onclick: () => select(plan.id), onkeydown: (event) => { if (event.key === "Enter") select(plan.id); } },
    element("td", { class: "number" }, element("span", { class: "dot", style: `background:${colourOf(plan)}` }), plan.id),
    ...objectives.map((_, k) => numberCell(plan.values, k, Boolean(today))), chance, element("td", { class: "changes" }, plan.changes));
  };
  const drawTable = () => {
    const sorted = [...plans];
    if (state.sort !== null) {
      const value = (plan) => (state.sort === "p" ? plan.probability : plan.values[state.sort][0]);
      sorted.sort((a, b) => (state.descending ? value(b) - value(a) : value(a) - value(b)));
    }
    const heading = (words, key) => element("th", { scope: "col", "aria-sort": state.sort === key ? (state.descending ? "descending" : "ascending") : "none" },
      element("button", { type: "button", onclick: () => { state.descending = state.sort === key ? !state.descending : true; state.sort = key; drawTable(); } },
        words + (state.sort === key ? (state.descending ? " \u25be" : " \u25b4") : "")));
    document.querySelector("#plans thead").replaceChildren(element("tr", {}, element("th", { scope: "col" }, "plan"),
      ...objectives.map((_, k) => heading(named(k), k)), heading("non-dominated", "p"),
      element("th", { scope: "col" }, "what it changes against today")));
    const rows = sorted.map(planRow);
    if (today) {
      rows.unshift(element("tr", { class: "today" }, element("td", { class: "number" }, element("span", { class: "dot today" }), "today"),
        ...objectives.map((_, k) => numberCell(today.values, k, false)), element("td"), element("td", { class: "changes" }, "today's offer, as it is")));
    }
    document.querySelector("#plans tbody").replaceChildren(...rows);
  };
  const changeTable = (title, changes, format) => {
    const body = changes.map((change) => element("tr", {},
      element("td", {}, change.zone), element("td", { class: "number" }, format(change.before)), element("td", { class: "number" }, format(change.after))));
    return element("div", {}, element("h3", {}, title), element("table", {},
      element("thead", {}, element("tr", {}, ...["territory", "today", "plan"].map((words) => element("th", { scope: "col" }, words)))), element("tbody", {}, ...body)));
  };
  const drawDetail = () => {
    const holder = document.getElementById("detail");
    const plan = plans.find((candidate) => candidate.id === state.selected);
    if (!plan) { holder.replaceChildren(); return; }
    const groups = new Map();
    for (const change of plan.details) {
      const key = `${change.kind} ${change.subject}`;
      groups.set(key, [...(groups.get(key) || []), change]);
    }
    const tables = [...groups.values()].filter((group) => group[0].kind !== "contract").map((group) =>
      changeTable(group[0].subject, group, group[0].kind === "share" ? (v) => percent(v) : plain));
    const contracts = plan.details.filter((change) => change.kind === "contract").map((change) => element("p", {}, change.subject));
    const binding = plan.binding_rules.length ? [element("p", { class: "hint" }, `Rules at their limit: ${plan.binding_rules.join(", ")}`)] : [];
    holder.replaceChildren(element("button", { type: "button", class: "close", onclick: () => select(null) }, "close \u2715"),
      element("h2", {}, `Plan ${plan.id}: everything it changes`), ...binding, ...contracts,
      tables.length ? element("div", { class: "columns" }, ...tables) : element("p", { class: "hint" }, plan.changes));
  };
  const select = (id) => {
    state.selected = id === state.selected ? null : id;
    markSelected(); drawDetail();
    for (const row of document.querySelectorAll("#plans tr.plan")) row.classList.toggle("selected", row.dataset.id === state.selected);
  };
  const drawReading = () => {
    const lines = [
      `Each point is one way of organising the offer: which pathway each patient profile is oriented to, with which capacities, in every territory.`,
      ...objectives.map((objective, k) => `${named(k)}: ${objective.meaning ? `${objective.meaning}; ` : ""}${objective.direction === "maximise" ? "more" : "less"} is better.`),
      "A plan is on the front if no other plan found is at least as good on every objective and better on one. Choosing among them is a matter of priorities, not of arithmetic.",
      "Figures in brackets are differences against today. Bars and figures in small print are 95 % intervals over simulated replications. Two plans whose intervals overlap may not differ.",
      ...(hasChance ? ["By chance alone: how far luck of the same replications would reach if every uncertain parameter had its central value. The figure itself is a mean over drawn values and need not lie within."] : []),
      "The probability of being non-dominated says how sure it is, given that noise, that nothing else on the front beats the plan.",
    ];
    document.getElementById("reading").replaceChildren(...lines.map((line) => element("li", {}, line)));
  };

  document.getElementById("title").textContent = data.title;
  document.getElementById("subtitle").textContent = data.subtitle;
  document.getElementById("facts").replaceChildren(...data.facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  const others = document.getElementById("others");
  others.addEventListener("change", () => { state.others = others.checked; drawCharts(); });
  document.getElementById("others-switch").hidden = data.others.length === 0;
  drawCards(); drawViews(); drawLegend(); drawTable(); drawDetail(); drawReading(); drawCharts();
})();
