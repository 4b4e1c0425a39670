/**
 * The questions whose titles have one of some words in them; all when there are none.
 *
 * @template T
 * @param {Record<string, T>} questions by their titles
 * @param {string} words with semicolons between them
 * @returns {[title: string, question: T][]}
 */
export function chosen(questions, words) {
  const wanted = words.split(';').filter((word) => word !== '');
  const entries = Object.entries(questions);
  if (wanted.length === 0) return entries;
  const found = entries.filter(([title]) => wanted.some((word) => title.includes(word)));
  if (found.length === 0) {
    throw new Error(
      `No question is named by ${words}: ${entries.map(([title]) => title).join('; ')}`,
    );
  }
  return found;
}
