import { withPuff } from 'next-puff/config';

export default withPuff({ poweredByHeader: false });
