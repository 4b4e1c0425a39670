/** What an isolate is to do. */
export interface IsolateOptions {
  /** The native server whose requests it answers. */
  server: number;
  /** The app's folder. */
  directory: string;
  /** Whether it runs Next.js' development server. */
  isDev: boolean;
  /** Where the server listens, as the app is to see it. */
  protocol: 'http' | 'https';
  hostname: string | undefined;
  port: number;
  /** How many isolates answer; they share the bound of the tasks that run at the same time. */
  isolates: number;
}

/** An isolate that answers requests. */
export interface RunningIsolate {
  /** What Next.js has built or compiles into, below the app's folder. */
  distDir: string;
  /** Whether a development server is to start again when its memory is nearly full. */
  restartsWhenFull: boolean;
  /** Takes no more tasks; resolves when those that run have ended, or were given back. */
  drainTasks(): Promise<void>;
  /**
   * Takes no more requests and resolves when those that it has are answered and what they left to do
   * (`after`, `waitUntil`) is done. It is not bounded: the caller is.
   */
  drain(): Promise<void>;
}
