// The words of the page, and the start.

Dyno.views.push({
  key: "glossary",
  title: "Words",
  question: "What do the words mean?",
  shows: data => data.glossary.length > 0,
  draw: host => {
    host.append(Dyno.element("dl", {}, Dyno.data.glossary.flatMap(({ term, text }) => [Dyno.element("dt", {}, term), Dyno.element("dd", {}, Dyno.sentence(text))])));
  },
});

Dyno.start();
