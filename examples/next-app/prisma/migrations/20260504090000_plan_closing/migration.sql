-- AlterTable
ALTER TABLE "questions" ADD COLUMN     "closes_at" TIMESTAMPTZ(3);
