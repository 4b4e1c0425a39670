// node memory-of-one.mjs [<module> <contestant> <question>]: answers a question many times and prints
// the peak resident memory of this process in kilobytes; without a question that of doing nothing.
const [module, name, question] = process.argv.slice(2);
if (module !== undefined) {
  const { contestants, questions } = await import(module);
  const contestant = await contestants[name](process.env.DATABASE_URL);
  const [width, runs, ask] = questions[question];
  let begun = 0;
  const caller = async () => {
    while (begun < runs) await ask(contestant, begun++);
  };
  await Promise.all(Array.from({ length: width }, caller));
  await contestant.end();
}
console.log(process.resourceUsage().maxRSS);
