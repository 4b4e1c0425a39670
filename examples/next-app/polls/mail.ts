import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A mail as tasks send it. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/**
 * Writes a mail to `.puff/mails/` and answers its file. The same id gives the same file, so that a mail that is sent twice is
 * there once.
 */
export async function writeMail(mail: Mail, id: string): Promise<string> {
  const folder = join(process.cwd(), '.puff', 'mails');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${id.replace(/[^\w-]/g, '_')}.eml`);
  const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ');
  const lines = [
    'From: polls@polls.example',
    `To: ${oneLine(mail.to)}`,
    `Subject: ${oneLine(mail.subject)}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    mail.text,
    '',
  ];
  await writeFile(`${file}.part`, lines.join('\r\n'));
  await rename(`${file}.part`, file);
  return file;
}
