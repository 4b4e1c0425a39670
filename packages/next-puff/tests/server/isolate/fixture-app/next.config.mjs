import { withPuff } from 'next-puff/config';

export default withPuff({ basePath: process.env.FIXTURE_BASE_PATH || undefined });
