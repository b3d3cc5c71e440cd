#include "serve/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

#include "base/check.h"

namespace spanqa::serve {
namespace {

/// OpenSSL fails here only without memory.
class Hasher {
 public:
  Hasher() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    SPANQA_CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const void* bytes, std::size_t size) { SPANQA_CHECK(EVP_DigestUpdate(context_.get(), bytes, size) == 1); }
  Digest finish() {
    Digest digest{};
    SPANQA_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace

Digest sha256(std::string_view bytes) {
  Hasher hasher;
  hasher.add(bytes.data(), bytes.size());
  return hasher.finish();
}

Digest sha256(std::span<const std::string_view> parts) {
  Hasher hasher;
  for (const std::string_view part : parts) {
    const std::uint64_t size = part.size();
    hasher.add(&size, sizeof(size));
    hasher.add(part.data(), part.size());
  }
  return hasher.finish();
}

std::string base64(const Digest& digest) {
  std::array<unsigned char, 45> text{};  // 44 characters and the zero that OpenSSL puts behind them
  const int n = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return {text.begin(), text.begin() + n};
}

bool equal_in_constant_time(const Digest& a, const Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace spanqa::serve
