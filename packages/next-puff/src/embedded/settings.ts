/**
 * The server settings of a development database: little memory, few processes, quick answers, and
 * still crash safe and durable. They are given on the command line, so that they follow the version
 * of next-puff and not the day on which the data directory was made.
 */
const DEVELOPMENT: Record<string, string> = {
  timezone: 'UTC',
  log_timezone: 'UTC',
  // TCP only: one address that every client understands, and no limit on the length of the path.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '32MB',
  min_wal_size: '8MB',
  max_wal_size: '256MB',
  // Nobody replicates from here: less to write, and two processes fewer.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  io_method: 'sync',
  // Compiling a plan and starting workers costs more than queries on development data take; parallel
  // workers also need more /dev/shm than containers have.
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
};

/** For a server whose data is thrown away: nothing waits for the disk. */
const TEMPORARY: Record<string, string> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

/** Returns the `-c name=value` arguments of the server; `own` settings win. */
export function settingArguments(
  listen: string,
  port: number,
  temporary: boolean,
  own: Record<string, string>,
): string[] {
  const settings = {
    ...DEVELOPMENT,
    ...(temporary ? TEMPORARY : {}),
    ...own,
    listen_addresses: listen,
    port: String(port),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
