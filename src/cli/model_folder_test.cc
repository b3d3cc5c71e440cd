#include "cli/model_folder.h"

#include <gtest/gtest.h>

#include "shared_data.h"

namespace spanqa::cli {
namespace {

TEST(ModelFolder, AHubIdThatIsNoFolderSaysWhatToDo) {
  EXPECT_TRUE(check_model_folder("."));
  const Status hub = check_model_folder("nobody/no-such-model");
  ASSERT_FALSE(hub);
  EXPECT_NE(hub.error().message.find("https://huggingface.co/nobody/no-such-model"), std::string::npos);
  EXPECT_NE(hub.error().message.find("--model"), std::string::npos);
}

TEST(ModelFolder, WhatIsNoneSaysWhatAFolderHolds) {
  for (const std::filesystem::path& wrong :
       {std::filesystem::path("/no/such/folder"), testing::source_path("models/DEFAULT")}) {
    const Status status = check_model_folder(wrong);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(status.error().message.find("huggingface"), std::string::npos);
    for (const char* part : {wrong.c_str(), "config.json", "model.safetensors", "tokenizer"}) {
      EXPECT_NE(status.error().message.find(part), std::string::npos) << status.error().message;
    }
  }
}

}  // namespace
}  // namespace spanqa::cli
