-- CreateEnum
CREATE TYPE "question_status" AS ENUM ('open', 'closed');

-- AlterTable
ALTER TABLE "questions" ADD COLUMN     "author_id" UUID,
ADD COLUMN     "closed_at" TIMESTAMPTZ(3),
ADD COLUMN     "status" "question_status" NOT NULL DEFAULT 'open';

-- A question is closed exactly when it has a closing time.
ALTER TABLE "questions" ADD CONSTRAINT "questions_closed_when_closed_at" CHECK (("status" = 'closed') = ("closed_at" IS NOT NULL));
