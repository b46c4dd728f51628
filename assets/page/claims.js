// Do the textbook claims hold?

Dyno.views.push({
  key: "claims",
  title: "Claims",
  question: "Do the textbook claims hold?",
  shows: data => data.claims.length > 0,
  draw: host => {
    const closing = Dyno.closing(Dyno.data.questions.claims?.closing);
    if (closing) host.append(closing);
    host.append(Dyno.element("p", { class: "reading" }, "A claim is a list of inequalities. The mark is the median ratio and the line its 99% interval; the claim holds if the whole interval lies right of the limit, the thick line."));
    for (const claim of Dyno.data.claims) host.append(Dyno.claimFigure(claim));
  },
});

Dyno.claimFigure = claim => {
  const sign = { holds: "✓", "does-not-hold": "✗" }[claim.verdict] ?? "?";
  const figure = Dyno.element(
    "article",
    { class: `figure claim claim-${claim.verdict}`, "aria-label": `Claim ${claim.id}` },
    Dyno.element("h3", {}, `${claim.id}. `, Dyno.name(claim.statement)),
    Dyno.element("p", { class: "answer" }, `${sign} ${claim.verdict_words}`, claim.scale_text ? Dyno.element("span", { class: "note" }, ` (${claim.scale_text})`) : null),
  );
  const parts = claim.parts.filter(part => Dyno.known(part.ratio) && part.ratio > 0);
  Dyno.lazily(figure, 60 + parts.length * 30, () => {
    if (parts.length) {
      Dyno.drawing(figure, parts.length * 30 + 50, `Ratios of claim ${claim.id}`, (drawing, width) => {
        const left = Dyno.clamp(width * 0.42, 130, 420);
        const x = Dyno.logScale(parts.flatMap(part => [part.ratio, part.low, part.high, part.limit]), left, width - 14);
        const bottom = parts.length * 30 + 4;
        Dyno.axisBelow(drawing, x, 2, bottom, Dyno.multiple, "Ratio, logarithmic");
        for (const [index, part] of parts.entries()) {
          const y = 18 + index * 30;
          const mark = Dyno.mark("g", { class: `claim-mark claim-${part.verdict}` });
          if (Dyno.known(part.low)) mark.append(Dyno.mark("line", { x1: x(part.low), x2: x(part.high), y1: y, y2: y }));
          mark.append(Dyno.mark("circle", { cx: x(part.ratio), cy: y, r: 4.5 }));
          drawing.append(
            Dyno.mark("text", { class: "name", x: left - 10, y: y + 4, "text-anchor": "end" }, Dyno.fit(part.inequality, left - 14)),
            Dyno.mark("line", { class: "limit-line", x1: x(part.limit), x2: x(part.limit), y1: y - 10, y2: y + 10 }),
            Dyno.hint(mark, `${part.inequality}: ${part.test_text}`),
          );
        }
      });
    }
    figure.append(
      Dyno.foldedTable(`claim-${claim.id}`, `Inequalities of claim ${claim.id}`, [
        { title: "Inequality", value: part => part.inequality },
        { title: "Answer", value: part => part.verdict_words },
        { title: "Ratio", value: part => part.ratio, text: part => Dyno.multiple(part.ratio), isNumber: true },
        { title: "99% interval", value: part => Dyno.interval(part.low, part.high, Dyno.multiple) },
        { title: "Limit", value: part => part.limit, text: part => Dyno.multiple(part.limit), isNumber: true },
        { title: "Pairs", value: part => part.pair_count, isNumber: true },
        { title: "Medians", value: part => part.sides_text },
        { title: "Reason", value: part => part.reason },
      ], claim.parts),
    );
  });
  return figure;
};
