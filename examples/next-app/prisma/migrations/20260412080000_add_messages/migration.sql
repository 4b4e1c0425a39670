-- CreateTable
CREATE TABLE "messages" (
    "id" SERIAL NOT NULL,
    "question_id" INTEGER NOT NULL,
    "author" VARCHAR(40) NOT NULL,
    "text" VARCHAR(500) NOT NULL,
    "written_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "messages_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "messages_question_id_id_idx" ON "messages"("question_id", "id" DESC);

-- AddForeignKey
ALTER TABLE "messages" ADD CONSTRAINT "messages_question_id_fkey" FOREIGN KEY ("question_id") REFERENCES "questions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
