import { withPuff } from 'next-puff/config';

export default withPuff({}, { dir: import.meta.dirname });
