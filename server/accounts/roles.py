"""The roles people have.  What each may do stands in permissions.py."""

from enum import StrEnum


class Role(StrEnum):
    """One per account; the word on the wire, and what users of the Chinese pages read."""

    CUSTOMER = "customer"  # 客户
    MERCHANT = "merchant"  # 商户
    COURIER = "courier"  # 配送员
    DISPATCHER = "dispatcher"  # 调度员
    CUSTOMER_SERVICE = "customer_service"  # 客服
    OPERATIONS_MANAGER = "operations_manager"  # 运营管理
    DATA_ANALYST = "data_analyst"  # 数据分析
    TECHNICAL_SUPPORT = "technical_support"  # 技术支持
    ADMINISTRATOR = "administrator"  # 管理员
