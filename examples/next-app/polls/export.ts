import { postgres, sql } from 'next-puff/postgres';

interface Row {
  questionId: number;
  question: string;
  status: string;
  publishedAt: Date;
  choice: string;
  votes: number;
}

/**
 * All questions with the votes of each choice as CSV (RFC 4180), in pieces.
 *
 * Rows come through a cursor as fast as the reader takes them: memory stays the same for ten questions or ten million.
 */
export async function* exportCsv(): AsyncGenerator<string> {
  yield 'question_id,question,status,published_at,choice,votes\r\n';
  const rows = postgres.stream<Row>(
    sql`
      select questions.id as "questionId", questions.text as question, questions.status::text as status,
             questions.published_at as "publishedAt", choices.text as choice,
             (select count(*)::int from votes
              where votes.question_id = questions.id and votes.choice_id = choices.id) as votes
      from questions join choices on choices.question_id = questions.id
      order by questions.id, choices.position`,
    { batchSize: 500 },
  );
  for await (const batch of rows) yield batch.map(line).join('');
}

function line(row: Row): string {
  const fields = [
    row.questionId,
    quoted(row.question),
    row.status,
    row.publishedAt.toISOString(),
    quoted(row.choice),
    row.votes,
  ];
  return `${fields.join(',')}\r\n`;
}

/** Always quoted, and a leading formula sign disarmed: spreadsheets run `=...` from a file. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
