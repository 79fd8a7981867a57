// Draws what the page holds as data, one drawing after another, the visible ones first.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  const phone = window.matchMedia("(max-width: 600px)").matches;
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const axis = { automargin: true, zeroline: false, linecolor: "#8b9199" };
  const common = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "inherit", size: 12 },
    margin: { l: 8, r: 8, t: 8, b: 8 },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
    dragmode: touch ? false : "zoom",
  };
  const known = (values) =>
    typeof values === "string" && values.startsWith("@")
      ? data.arrays[values.slice(1)]
      : values;
  const width = (element) => element.getBoundingClientRect().width;

  const draw = (element) => {
    if (element.dataset.drawn) return;
    element.dataset.drawn = "yes";
    const chart = data.charts[element.id];
    const traces = chart.traces.map((trace) => ({
      ...trace,
      x: known(trace.x),
      y: known(trace.y),
      // There is no room for a number in a cell.
      ...(phone && trace.type === "heatmap" ? { texttemplate: "" } : {}),
    }));
    const layout = { ...common, ...chart.layout, height: chart.height };
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(name)) layout[name] = { ...axis, ...layout[name] };
    }
    if (phone) layout.legend = { ...common.legend, font: { size: 10 } };
    Plotly.newPlot(element, traces, layout, {
      displayModeBar: false,
      responsive: true,
    });
  };

  const all = [...document.querySelectorAll(".chart")];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  });
  const idle = window.requestIdleCallback || ((task) => setTimeout(task, 50));
  const next = () => {
    const waiting = all.find((element) => !element.dataset.drawn);
    if (waiting) {
      draw(waiting);
      idle(next);
    }
  };
  all.forEach((element) => seen.observe(element));
  idle(next);

  for (const button of document.querySelectorAll("button[data-chart]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const element = document.getElementById(button.dataset.chart);
      const linear = button.getAttribute("aria-pressed") === "true";
      const scale = linear ? ["linear", null] : ["log", "D2"];
      Plotly.relayout(element, { "yaxis.type": scale[0], "yaxis.dtick": scale[1] });
      button.setAttribute("aria-pressed", String(!linear));
    });
  }

  // A sheet of paper is narrower than a screen, and its drawings are not laid out anew.
  window.addEventListener("beforeprint", () => {
    all.forEach(draw);
    for (const element of all) Plotly.relayout(element, { width: 660 });
  });
  window.addEventListener("afterprint", () => {
    for (const element of all) Plotly.relayout(element, { width: width(element) });
  });
})();
