import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An authority, and the certificate of a server that it vouches for, as files in PEM. */
export class Certificates {
  readonly directory = mkdtempSync(join(tmpdir(), 'next-puff-certificates-'));
  readonly caFile = join(this.directory, 'ca.crt');
  readonly certificateFile = join(this.directory, 'server.crt');
  readonly keyFile = join(this.directory, 'server.key');

  /** Makes them with `openssl`, for a host of this name. */
  constructor(host: string) {
    const caKey = join(this.directory, 'ca.key');
    const request = join(this.directory, 'server.csr');
    const extensions = join(this.directory, 'extensions');
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-subj',
      '/CN=authority',
      '-keyout',
      caKey,
      '-out',
      this.caFile,
    );
    openssl(
      'req',
      '-new',
      ...newKey,
      '-subj',
      `/CN=${host}`,
      '-keyout',
      this.keyFile,
      '-out',
      request,
    );
    writeFileSync(extensions, `subjectAltName=DNS:${host}\n`);
    const signer = ['-CA', this.caFile, '-CAkey', caKey, '-CAcreateserial', '-extfile', extensions];
    openssl('x509', '-req', '-in', request, ...signer, '-out', this.certificateFile);
  }

  get ca(): string {
    return readFileSync(this.caFile, 'utf8');
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
